//! Sound, MIDI, serial ports and displays, by the names in which a stage file may ask for them.

use super::{Check, line, listed, names};
use crate::genlock::{display, mtc, serial};
use crate::sound::{self, Way};
use cyc_stage::stage::{GenlockSource, LabelSource, Protocol, Sound, Stage, TimecodeOut, Transport};
use std::path::Path;

pub(super) fn checks(stage: Option<&Stage>) -> Vec<Check> {
    let wants = stage.map(Wants::of).unwrap_or_default();
    let mut checks = vec![
        sounds("sound in", Way::In, &wants.sound_in),
        sounds("sound out", Way::Out, &wants.sound_out),
        midi(midi_ports(), &wants.midi),
    ];
    checks.extend(serials(serial::ports(), &wants.serial));
    checks.extend(displays(&wants.display));
    checks
}

/// What a stage asks of this machine's devices.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Wants {
    pub(super) sound_in: Vec<String>,
    pub(super) sound_out: Vec<String>,
    pub(super) midi: Vec<String>,
    pub(super) serial: Vec<String>,
    pub(super) display: Vec<(String, Option<String>)>,
}

impl Wants {
    pub(super) fn of(stage: &Stage) -> Self {
        let mut wants = Self::default();
        match &stage.genlock.source {
            GenlockSource::Ltc(sound) => wants.sound_in.extend(device(sound)),
            GenlockSource::Mtc(midi) => wants.midi.push(midi.port.clone()),
            GenlockSource::Serial(serial) => wants.serial.push(serial.device.clone()),
            GenlockSource::Display(display) => wants.display.push((display.card.clone(), display.connector.clone())),
            _ => {}
        }
        match &stage.timecode.source {
            LabelSource::Ltc(sound) => wants.sound_in.extend(device(sound)),
            LabelSource::Mtc(midi) => wants.midi.push(midi.port.clone()),
            _ => {}
        }
        for out in &stage.timecode.out {
            match out {
                TimecodeOut::Ltc(sound) => wants.sound_out.extend(device(sound)),
                TimecodeOut::Mtc(midi) => wants.midi.push(midi.port.clone()),
                TimecodeOut::ArtNet(_) | TimecodeOut::Osc { .. } => {}
            }
        }
        for feed in &stage.feeds {
            if let Protocol::Freed { transport: Transport::Serial(path), .. } = &feed.protocol {
                wants.serial.push(path.clone());
            }
        }
        wants
    }
}

fn device(sound: &Sound) -> Option<String> {
    match sound {
        Sound::Device { name, .. } => Some(name.clone()),
        Sound::File { .. } => None,
    }
}

fn sounds(name: &str, way: Way, wanted: &[String]) -> Check {
    let there = listed(&sound::devices(way));
    match wanted.iter().find_map(|wanted| sound::check(wanted, way).err().map(|why| (wanted, why))) {
        Some((wanted, why)) => Check::missing(
            name,
            format!("\"{wanted}\" cannot be used: {why}"),
            "name one of these devices, or \"default\"; a user who may use them is in the group \"audio\"",
        ),
        None => Check::good(name, there),
    }
}

/// Where there is no sequencer, asking for its ports would have ALSA write to the terminal.
fn midi_ports() -> Result<Vec<String>, String> {
    let sequencer = "/dev/snd/seq";
    if Path::new(sequencer).exists() { mtc::ports() } else { Err(format!("there is no {sequencer}")) }
}

/// MIDI ports, and whether those that are asked for are among them.
pub(super) fn midi(ports: Result<Vec<String>, String>, wanted: &[String]) -> Check {
    const NAME: &str = "MIDI";
    let there = ports.as_deref().unwrap_or_default();
    match wanted.iter().find(|wanted| !there.iter().any(|name| name.contains(wanted.as_str()))) {
        Some(wanted) => match &ports {
            Err(_) => Check::missing(
                NAME,
                format!("\"{wanted}\" cannot be had: this machine has no ALSA sequencer (/dev/snd/seq)"),
                "`modprobe snd-seq`; a user who may use it is in the group \"audio\"",
            ),
            Ok(there) => Check::missing(
                NAME,
                format!("no port's name contains \"{wanted}\"; there are: {}", listed(there)),
                "plug the interface in, or name a part of one of these names",
            ),
        },
        None => Check::good(NAME, listed(there)),
    }
}

fn serials(there: Vec<String>, wanted: &[String]) -> Vec<Check> {
    const NAME: &str = "serial ports";
    let mut checks = Vec::new();
    checks.extend(wanted.iter().filter_map(|path| serial(path, &there)));
    for path in &there {
        let name = Path::new(path).file_name().unwrap_or_default();
        let timer = line(Path::new("/sys/bus/usb-serial/devices").join(name).join("latency_timer"));
        checks.extend(latency(path, timer.and_then(|text| text.parse().ok()), wanted.contains(path)));
    }
    if checks.is_empty() {
        checks.push(Check::good(NAME, listed(&there)));
    }
    checks
}

/// A port that is asked for and cannot be used. It is not opened, since that would raise its lines.
fn serial(path: &str, there: &[String]) -> Option<Check> {
    use nix::unistd::{AccessFlags, access};
    const NAME: &str = "serial ports";
    let error = access(path, AccessFlags::R_OK | AccessFlags::W_OK).err()?;
    Some(match error {
        nix::errno::Errno::EACCES => Check::missing(
            NAME,
            format!("{path} may not be used"),
            "put the user into the group that owns it, usually `sudo usermod -aG dialout $USER`, and log in again",
        ),
        _ => Check::missing(NAME, format!("there is no {path}; there are: {}", listed(there)), "plug the device in"),
    })
}

/// FTDI adapters hold bytes back for 16 ms unless they are told not to. The stage tells those that it uses.
pub(super) fn latency(path: &str, millis: Option<u32>, used: bool) -> Option<Check> {
    let millis = millis.filter(|millis| *millis > 1 && used)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    Some(Check::poor(
        "serial ports",
        format!("{path} holds bytes back for up to {millis} ms"),
        format!("`echo 1 > /sys/bus/usb-serial/devices/{name}/latency_timer`, or a udev rule that does"),
    ))
}

fn displays(wanted: &[(String, Option<String>)]) -> Vec<Check> {
    const NAME: &str = "displays";
    let cards: Vec<String> = names("/dev/dri").into_iter().filter(|name| name.starts_with("card")).collect();
    let mut found = Vec::new();
    for card in &cards {
        let path = format!("/dev/dri/{card}");
        let connectors = display::connectors(&path).unwrap_or_default();
        let on = connectors.iter().filter(|c| c.crtc.is_some()).map(|c| c.name.clone()).collect::<Vec<_>>();
        found.push(format!("{path} (on: {})", listed(&on)));
    }
    let mut checks: Vec<Check> = wanted
        .iter()
        .filter_map(|(card, connector)| display::check(card, connector.as_deref()).err())
        .map(|why| Check::missing(NAME, why, "`ls /dev/dri` and `ls /sys/class/drm` list devices and connectors"))
        .collect();
    if checks.is_empty() {
        checks.push(Check::good(NAME, listed(&found)));
    }
    checks
}
