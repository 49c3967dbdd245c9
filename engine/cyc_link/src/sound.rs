//! Sound devices: which there are, how one is opened, and when its samples sound on the stage clock.
//!
//! Parts: [`clock`] (sample numbers to stage time), [`stream`] (input and output streams that survive an unplugged
//! device). All of it through `cpal`, on Linux through ALSA, and with that PulseAudio and PipeWire.

pub(crate) mod clock;
pub(crate) mod stream;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{BufferSize, ErrorKind, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange};

/// The name that stands for the system's choice.
const DEFAULT: &str = "default";
/// Sample rates in the order in which they are asked for, hertz.
const RATES_HZ: [u32; 5] = [48_000, 96_000, 44_100, 192_000, 88_200];
/// Sample formats in the order in which they are asked for.
const FORMATS: [SampleFormat; 10] = [
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F32,
    SampleFormat::I16,
    SampleFormat::F64,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::U16,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// Which way sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the device.
    In,
    /// To the device.
    Out,
}

/// The sound devices that there are, by the names under which stage files may ask for them.
pub fn devices(way: Way) -> Vec<String> {
    let Ok(devices) = cpal::default_host().devices() else { return Vec::new() };
    devices.filter(|device| can(device, way)).filter_map(|device| Some(device.id().ok()?.id().to_owned())).collect()
}

fn can(device: &cpal::Device, way: Way) -> bool {
    match way {
        Way::In => device.supports_input(),
        Way::Out => device.supports_output(),
    }
}

/// Whether there is a device that a stage file may ask for by this name; for `doctor`.
///
/// # Errors
/// In words for the operator, with the names there are.
pub fn check(name: &str, way: Way) -> Result<(), String> {
    find(name, way).map(drop)
}

/// The device with this id ("hw:CARD=PCH,DEV=0"), this name, or one in whose name the text stands.
///
/// # Errors
/// In words for the operator, with the names there are.
fn find(name: &str, way: Way) -> Result<cpal::Device, String> {
    let host = cpal::default_host();
    if name == DEFAULT {
        let device = match way {
            Way::In => host.default_input_device(),
            Way::Out => host.default_output_device(),
        };
        return device.ok_or_else(|| "there is no default sound device; name one".to_owned());
    }
    let devices: Vec<_> = host.devices().map_err(|e| e.to_string())?.filter(|device| can(device, way)).collect();
    let named = |device: &cpal::Device| device.description().map(|d| d.name().to_owned()).unwrap_or_default();
    let tests: [&dyn Fn(&cpal::Device) -> bool; 3] =
        [&|device| device.id().is_ok_and(|id| id.id() == name), &|device| named(device) == name, &|device| {
            named(device).contains(name)
        }];
    let found = tests.iter().find_map(|test| devices.iter().find(|device| test(device)));
    found.cloned().ok_or_else(|| {
        let ids: Vec<_> = devices.iter().filter_map(|device| Some(device.id().ok()?.id().to_owned())).collect();
        let there = if ids.is_empty() { "there is none".into() } else { format!("there are: {}", ids.join(", ")) };
        format!("there is no such device; {there}")
    })
}

/// How to run a device so that `channel` is there: (with short periods of `period_millis`, format).
///
/// # Errors
/// In words for the operator.
fn configure(
    device: &cpal::Device,
    way: Way,
    channel: u16,
    period_millis: u32,
) -> Result<(StreamConfig, SampleFormat), String> {
    let ranges: Vec<SupportedStreamConfigRange> = match way {
        Way::In => device.supported_input_configs().map(Iterator::collect),
        Way::Out => device.supported_output_configs().map(Iterator::collect),
    }
    .map_err(|error| explain(&error))?;
    let most = ranges.iter().map(|range| range.channels()).max().unwrap_or(0);
    choose(&ranges, channel, period_millis).ok_or_else(|| match most {
        0 => "it has no format that is understood".to_owned(),
        _ if most <= channel => format!("it has {most} channels, the first being 0, and so no channel {channel}"),
        _ => "it has only formats that are not understood".to_owned(),
    })
}

fn choose(
    ranges: &[SupportedStreamConfigRange],
    channel: u16,
    period_millis: u32,
) -> Option<(StreamConfig, SampleFormat)> {
    let rank = |range: &SupportedStreamConfigRange| {
        let format = FORMATS.iter().position(|format| *format == range.sample_format())?;
        let (rate, sample_rate) = match RATES_HZ.iter().position(|hz| range.contains_rate(*hz)) {
            Some(place) => (place, RATES_HZ[place]),
            None => (RATES_HZ.len(), range.max_sample_rate()),
        };
        Some((rate, range.channels(), format, sample_rate))
    };
    let ranked = ranges.iter().filter(|range| range.channels() > channel);
    let ((_, channels, _, sample_rate), range) =
        ranked.filter_map(|range| Some((rank(range)?, range))).min_by_key(|(rank, _)| *rank)?;
    let buffer_size = match *range.buffer_size() {
        SupportedBufferSize::Range { min, max } if max > 0 => {
            BufferSize::Fixed((sample_rate / 1000 * period_millis).clamp(min.max(1), max))
        }
        _ => BufferSize::Default,
    };
    Some((StreamConfig { channels, sample_rate, buffer_size }, range.sample_format()))
}

/// What an error of the sound system means to an operator.
fn explain(error: &cpal::Error) -> String {
    match error.kind() {
        ErrorKind::DeviceNotAvailable => "it is not there; look at its plug, or at `aplay -L`".into(),
        ErrorKind::DeviceBusy => "another program has it; `fuser /dev/snd/*` shows which".into(),
        ErrorKind::PermissionDenied => {
            "permission denied; add the user to the group \"audio\" (`sudo usermod -aG audio $USER`)".into()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, hz: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        let buffer = SupportedBufferSize::Range { min: 32, max: 8192 };
        SupportedStreamConfigRange::new(channels, hz.0, hz.1, buffer, format)
    }

    #[test]
    fn the_usual_rate_wins_then_the_fewest_channels_that_do_then_the_best_format() {
        let ranges = [
            range(8, (44_100, 192_000), SampleFormat::I32),
            range(2, (44_100, 192_000), SampleFormat::I16),
            range(2, (44_100, 192_000), SampleFormat::I32),
            range(1, (8_000, 16_000), SampleFormat::F32),
        ];
        let (config, format) = choose(&ranges, 1, 10).unwrap();
        assert_eq!((config.channels, config.sample_rate, format), (2, 48_000, SampleFormat::I32));
        assert_eq!(config.buffer_size, BufferSize::Fixed(480));
        assert_eq!(choose(&ranges, 7, 10).unwrap().0.channels, 8);
        assert_eq!(choose(&ranges, 8, 10), None);
        assert_eq!(choose(&ranges[3..], 0, 10).unwrap().0.sample_rate, 16_000);
    }
}
