//! Sources and outputs of timecode on what they really use: UDP on loopback, pseudo-terminals, WAV files and ALSA.
//!
//! Nothing here sleeps: files are played on a clock that jumps, and of the others it is asked what they heard and
//! not when. ALSA has neither card nor server here; its "file" devices run the same code up to the driver.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has nothing to say"
)]

use crossbeam_channel::Receiver;
use cyc_core::{Clock, Rate, StageTime, Timecode};
use cyc_link::genlock::{Heard, SourceHandle, artnet, ltc, mtc, osc, serial};
use cyc_link::sim::genlock::{SimGenlockOptions, send};
use cyc_link::timecode_out::TimecodeOutputs;
use cyc_link::{FakeClock, MonotonicClock};
use cyc_stage::stage::{ArtNet, Midi, OscTicks, SerialEdge, SerialPulse, Sound, TimecodeOut};
use serialport::TTYPort;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[path = "genlock_sources/alsa.rs"]
mod alsa;

/// A message that does not come within this time never comes.
const PATIENCE: Duration = Duration::from_secs(20);

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn label(text: &str) -> Timecode {
    text.parse().unwrap()
}

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn monotonic() -> Arc<dyn Clock> {
    Arc::new(MonotonicClock)
}

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cyc_link-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Waits for something that is heard.
fn wait_for<T>(heard: &Receiver<Heard>, what: &str, mut wanted: impl FnMut(Heard) -> Option<T>) -> T {
    loop {
        match heard.recv_timeout(PATIENCE) {
            Ok(next) => {
                if let Some(found) = wanted(next) {
                    return found;
                }
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

fn trouble(heard: &Receiver<Heard>) -> String {
    wait_for(heard, "trouble", |heard| if let Heard::Trouble(text) = heard { Some(text) } else { None })
}

fn well(heard: &Receiver<Heard>) {
    wait_for(heard, "well", |heard| (heard == Heard::Well).then_some(()));
}

fn pulse(heard: &Receiver<Heard>) -> (StageTime, Option<i64>) {
    wait_for(heard, "pulse", |heard| if let Heard::Pulse { at, count } = heard { Some((at, count)) } else { None })
}

fn next_label(heard: &Receiver<Heard>) -> (Timecode, StageTime) {
    wait_for(heard, "label", |heard| if let Heard::Label { label, at, .. } = heard { Some((label, at)) } else { None })
}

// ---- LTC in files

/// Frames of a stage into a file: labels from `first` on, those from frame `jump_at` on an hour later.
fn write_ltc(path: &Path, rate: Rate, first: Timecode, frames: u64, jump_at: u64) {
    let sound = Sound::File { path: path.into(), channel: 0 };
    let outputs = TimecodeOutputs::start(&[TimecodeOut::Ltc(sound)], rate, Arc::new(FakeClock::default())).unwrap();
    let begin = first.frame(rate).unwrap();
    let hour = label("01:00:00:00").frame(rate).unwrap();
    for n in 0..frames {
        let of_day = begin + n + if n >= jump_at { hour } else { 0 };
        let label = Timecode::of_frame(of_day, rate, first.drop_frame);
        outputs.tick(n, label, StageTime(7_000_000_000 + rate.nanos_of_frame(n)));
        while outputs.backlog() > 32 {
            std::thread::yield_now();
        }
    }
    assert_eq!((outputs.dropped(), outputs.health()[0].1.clone()), (0, None));
}

/// Plays a file on a clock that jumps; all that was heard, and when the playing began.
fn play(path: &Path, channel: u16) -> (Vec<Heard>, StageTime) {
    let begin = StageTime(90_000_000_000);
    let (sender, heard) = crossbeam_channel::unbounded();
    let sound = Sound::File { path: path.into(), channel };
    let _source = ltc::start(&sound, Arc::new(FakeClock::at(begin)), sender).unwrap();
    let mut all = Vec::new();
    wait_for(&heard, "the file's end", |next| {
        let is_end = matches!(next, Heard::Trouble(_));
        all.push(next);
        is_end.then_some(())
    });
    (all, begin)
}

/// Labels with the nanoseconds at which their frames began, from the file's beginning.
fn labels(heard: &[Heard], begin: StageTime) -> Vec<(Timecode, i64)> {
    let of = |heard: &Heard| match heard {
        Heard::Label { label, at, .. } => Some((*label, at.nanos_since(begin))),
        _ => None,
    };
    heard.iter().filter_map(of).collect()
}

#[test]
fn a_file_that_was_written_is_heard_label_by_label_on_time_at_every_rate() {
    let folder = Folder::new("ltc");
    for (name, first) in [
        ("24000/1001", "01:00:59:20"),
        ("24", "23:59:58:00"),
        ("25", "10:00:00:00"),
        ("30000/1001", "00:00:59;25"),
        ("30000/1001", "00:00:59:25"),
        ("30", "00:00:00:00"),
        ("60000/1001", "00:00:59;50"),
        ("48", "05:00:00:00"),
    ] {
        let (path, rate, first) = (folder.file("out.wav"), rate(name), label(first));
        write_ltc(&path, rate, first, 200, u64::MAX);
        let (heard, begin) = play(&path, 0);
        let per_label: u64 = if rate.nanos_of_frame(1) < 30_000_000 { 2 } else { 1 };
        let heard = labels(&heard, begin);
        // The first word waits for the second to be believed, and the last frame's for a transition after its end.
        assert!(heard.len() as u64 >= 200 / per_label - 3, "{name}: {}", heard.len());
        for (label, nanos) in heard {
            let n = (nanos + 1_000_000) / rate.frame_nanos();
            let exact = first.frame(rate).unwrap() + n as u64;
            let mut expected = Timecode::of_frame(exact, rate, first.drop_frame);
            expected.frames /= per_label as u16;
            assert_eq!(label, expected, "{name}, frame {n}");
            let error = nanos - rate.nanos_of_frame(n as u64);
            assert!(error.abs() < 20_000, "{name}, frame {n}: {error} ns off");
        }
    }
}

#[test]
fn a_jump_begins_with_the_word_of_its_frame() {
    let folder = Folder::new("jump");
    let (path, rate) = (folder.file("jump.wav"), rate("25"));
    write_ltc(&path, rate, label("10:00:00:00"), 100, 50);
    let (heard, begin) = play(&path, 0);
    let heard = labels(&heard, begin);
    for (label, nanos) in &heard {
        let n = ((nanos + 1_000_000) / 40_000_000) as u64;
        let hours = if n >= 50 { 11 } else { 10 };
        assert_eq!((label.hours, label.seconds, label.frames), (hours, (n / 25) as u8, (n % 25) as u16));
    }
    assert!(heard.iter().any(|(label, _)| label.hours == 11));
}

#[test]
fn what_is_no_timecode_is_named() {
    let folder = Folder::new("bad");
    let cases: [(&str, fn(u32) -> f64, &str); 2] =
        [("silence", |_| 0.0, "is silent"), ("tone", |n| (f64::from(n) * 0.13).sin() * 0.5, "is no timecode")];
    for (name, sound, expected) in cases {
        let path = folder.file(name);
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 24,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..44_100 * 3 {
            writer.write_sample((sound(n) * 8e6) as i32).unwrap();
            writer.write_sample(0).unwrap();
        }
        writer.finalize().unwrap();
        let (heard, _) = play(&path, 0);
        assert!(heard.iter().any(|h| matches!(h, Heard::Trouble(text) if text.contains(expected))), "{heard:?}");
        let (heard, _) = play(&path, 2);
        assert!(matches!(&heard[0], Heard::Trouble(text) if text.contains("2 channels")), "{heard:?}");
    }
    std::fs::write(folder.file("text"), "no sound at all").unwrap();
    for name in ["absent.wav", "text"] {
        let (heard, _) = play(&folder.file(name), 0);
        assert!(matches!(&heard[..], [Heard::Trouble(text)] if text.contains("cannot be played")), "{heard:?}");
    }
}

#[test]
fn a_simulated_file_with_drift_loss_and_jumps_is_heard_with_them() {
    let folder = Folder::new("sim");
    let path = folder.file("sim.wav");
    let target = format!("ltc:{}", path.display()).parse().unwrap();
    let options = SimGenlockOptions {
        drift_ppm: 500.0,
        jitter_nanos: 100_000,
        loss: 0.05,
        jump_every_nanos: Some(10_000_000_000),
        seconds: Some(30.0),
        ..SimGenlockOptions::new(target, rate("25"))
    };
    send(options.clone(), &MonotonicClock, &|| false).unwrap();
    let truth = cyc_link::sim::genlock::SimGenlock::new(options, StageTime(0)).unwrap();
    let (heard, begin) = play(&path, 0);
    let heard = labels(&heard, begin);
    assert!((600..740).contains(&heard.len()), "{}", heard.len());
    for (label, nanos) in heard {
        let n = ((nanos + 1_000_000) as f64 * (1.0 + 500e-6) / 4e7) as u64;
        assert_eq!(label, truth.label(n), "frame {n}");
        let late = nanos - truth.frame_at(n).0;
        assert!((-30_000..140_000).contains(&late), "frame {n}: {late} ns");
    }
}

// ---- UDP

fn artnet_in(addr: SocketAddr, stream: u8) -> (SourceHandle, Receiver<Heard>) {
    let (sender, heard) = crossbeam_channel::unbounded();
    (artnet::start(&ArtNet { udp: addr, stream }, monotonic(), sender).unwrap(), heard)
}

fn osc_in(addr: SocketAddr, address: &str) -> (SourceHandle, Receiver<Heard>) {
    let (sender, heard) = crossbeam_channel::unbounded();
    let config = OscTicks { udp: addr, address: address.into() };
    (osc::start(&config, monotonic(), sender).unwrap(), heard)
}

#[test]
fn artnet_comes_back_as_beats_and_labels_of_its_stream() {
    let (source, heard) = artnet_in(loopback(), 2);
    well(&heard);
    let to = source.local_addr().unwrap();
    let other = TimecodeOut::ArtNet(ArtNet { udp: to, stream: 1 });
    let mine = TimecodeOut::ArtNet(ArtNet { udp: to, stream: 2 });
    let rate = rate("60000/1001");
    let outputs = TimecodeOutputs::start(&[other, mine], rate, monotonic()).unwrap();
    for n in 0..8 {
        outputs.tick(n, Timecode::of_frame(3598 + n, rate, true), MonotonicClock.now());
    }
    let before = MonotonicClock.now();
    for (n, expected) in ["00:00:59;29", "00:01:00;02", "00:01:00;03", "00:01:00;04"].into_iter().enumerate() {
        let (at, count) = pulse(&heard);
        let (label, label_at) = next_label(&heard);
        assert_eq!((label.to_string().as_str(), label_at, count), (expected, at, None), "{n}");
        assert!(before.nanos_since(at).abs() < 20_000_000_000);
    }
    assert_eq!(outputs.health().into_iter().filter_map(|(_, trouble)| trouble).count(), 0);
}

#[test]
fn a_broadcast_is_heard_by_everybody_who_shares_the_port() {
    let (first, heard) = artnet_in("0.0.0.0:0".parse().unwrap(), 0);
    let port = first.local_addr().unwrap().port();
    let (second, also_heard) = artnet_in(([0, 0, 0, 0], port).into(), 0);
    assert_eq!(second.local_addr(), first.local_addr());
    let everybody = TimecodeOut::ArtNet(ArtNet { udp: ([127, 255, 255, 255], port).into(), stream: 0 });
    let outputs = TimecodeOutputs::start(&[everybody], rate("24"), monotonic()).unwrap();
    outputs.tick(0, label("10:20:30:23"), StageTime(0));
    for heard in [heard, also_heard] {
        assert_eq!(next_label(&heard).0, label("10:20:30:23"));
    }
}

#[test]
fn garbage_and_a_second_sender_are_named_and_a_standing_label_is_no_beat() {
    let (source, heard) = artnet_in(loopback(), 0);
    well(&heard);
    let [a, b] = [0, 1].map(|_| {
        let socket = UdpSocket::bind(loopback()).unwrap();
        socket.connect(source.local_addr().unwrap()).unwrap();
        socket
    });
    a.send(b"Art-Net\0\x00\x97\x00\x0e").unwrap();
    assert!(trouble(&heard).contains("no Art-Net timecode"));
    let packet = |frames: u8| {
        let mut bytes = *b"Art-Net\0\x00\x97\x00\x0e\x00\x00\x00\x03\x02\x01\x01";
        bytes[14] = frames;
        bytes
    };
    a.send(&packet(4)).unwrap();
    well(&heard);
    pulse(&heard);
    a.send(&packet(4)).unwrap();
    a.send(&packet(3)).unwrap();
    // The repeated label comes without a beat, and the one before it runs backwards.
    let after: Vec<Heard> = (0..4).map(|_| heard.recv_timeout(PATIENCE).unwrap()).collect();
    let kinds: Vec<_> = after
        .iter()
        .map(|heard| match heard {
            Heard::Pulse { .. } => "pulse".to_owned(),
            Heard::Label { label, direction, nominal, .. } => format!("{label} {direction} {nominal:?}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["01:02:03:04 1 Some(25)", "01:02:03:04 1 Some(25)", "pulse", "01:02:03:03 -1 Some(25)"]);
    b.send(&packet(20)).unwrap();
    assert!(trouble(&heard).contains("two programs"));
}

#[test]
fn a_port_that_is_taken_is_named_and_had_as_soon_as_it_is_free() {
    let taken = UdpSocket::bind(loopback()).unwrap();
    let (source, heard) = osc_in(taken.local_addr().unwrap(), "/tick");
    assert!(trouble(&heard).contains("in use"));
    assert_eq!(source.local_addr(), None);
    drop(taken);
    well(&heard);
    let (_source, heard) = osc_in("192.0.2.7:9000".parse().unwrap(), "/tick");
    assert!(trouble(&heard).contains("no interface"));
}

#[test]
fn osc_ticks_come_back_with_number_and_label_every_third_frame_and_cues_leave() {
    let (source, heard) = osc_in(loopback(), "/stage/beat");
    let to = OscTicks { udp: source.local_addr().unwrap(), address: "/stage/beat".into() };
    let outputs = TimecodeOutputs::start(&[TimecodeOut::Osc { to, every: 3 }], rate("24"), monotonic()).unwrap();
    for n in 100..110 {
        outputs.tick(n, Timecode::of_frame(n, rate("24"), false), StageTime(0));
    }
    for n in [102, 105, 108] {
        assert_eq!(pulse(&heard).1, Some(n));
        assert_eq!(next_label(&heard).0, Timecode::of_frame(n as u64, rate("24"), false));
    }
    // A cue is a message of its own, and no tick to whoever counts them.
    let desk = UdpSocket::bind(loopback()).unwrap();
    desk.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = OscTicks { udp: desk.local_addr().unwrap(), address: "/stage/beat".into() };
    let outputs = TimecodeOutputs::start(&[TimecodeOut::Osc { to, every: 1 }], rate("24"), monotonic()).unwrap();
    outputs.cue("dawn over the sea", 4711);
    let mut bytes = [0; 256];
    let count = desk.recv(&mut bytes).unwrap();
    let (_, packet) = rosc::decoder::decode_udp(&bytes[..count]).unwrap();
    let rosc::OscPacket::Message(message) = packet else { panic!("{packet:?}") };
    assert_eq!(message.addr, "/stage/beat/cue");
    assert_eq!(message.args, [rosc::OscType::String("dawn over the sea".into()), rosc::OscType::Int(4711)]);
}

#[test]
fn a_simulated_source_on_the_network_is_heard() {
    let (source, heard) = artnet_in(loopback(), 0);
    let options = SimGenlockOptions {
        seconds: Some(0.2),
        ..SimGenlockOptions::new(format!("artnet:{}", source.local_addr().unwrap()).parse().unwrap(), rate("25"))
    };
    send(options, &FakeClock::at(StageTime(0)), &|| false).unwrap();
    let heard: Vec<String> = (0..5).map(|_| next_label(&heard).0.to_string()).collect();
    assert_eq!(heard, ["01:00:00:00", "01:00:00:01", "01:00:00:02", "01:00:00:03", "01:00:00:04"]);
    let nowhere = SimGenlockOptions::new("serial:/dev/there-is-none".parse().unwrap(), rate("25"));
    assert!(send(nowhere, &MonotonicClock, &|| true).unwrap_err().to_string().contains("no such device"));
}

#[test]
fn an_output_that_cannot_send_says_so_and_the_frame_thread_never_waits() {
    // A broadcast address of a network that is not there.
    let artnet = TimecodeOut::ArtNet(ArtNet { udp: "[fe80::1]:6454".parse().unwrap(), stream: 0 });
    let slow = TimecodeOut::ArtNet(ArtNet { udp: "127.0.0.1:9".parse().unwrap(), stream: 0 });
    let outputs = TimecodeOutputs::start(&[artnet, slow], rate("23"), monotonic()).unwrap();
    for n in 0..1000 {
        outputs.tick(n, Timecode::default(), StageTime(0));
    }
    while outputs.backlog() > 0 {
        std::thread::yield_now();
    }
    let health = outputs.health();
    assert!(
        health.iter().all(|(_, trouble)| trouble.as_ref().is_some_and(|t| t.contains("cannot carry 23"))),
        "{health:?}"
    );
    drop(outputs);
    let artnet = TimecodeOut::ArtNet(ArtNet { udp: "[fe80::1]:6454".parse().unwrap(), stream: 0 });
    let outputs = TimecodeOutputs::start(&[artnet], rate("24"), monotonic()).unwrap();
    let trouble = loop {
        outputs.tick(0, Timecode::default(), StageTime(0));
        if let Some(trouble) = outputs.health().remove(0).1 {
            break trouble;
        }
        std::thread::yield_now();
    };
    assert!(trouble.contains("cannot be sent to [fe80::1]:6454"), "{trouble}");
}

// ---- serial ports

fn serial_in(device: &Path, pulse: SerialEdge) -> (SourceHandle, Receiver<Heard>) {
    let (sender, heard) = crossbeam_channel::unbounded();
    let config = SerialPulse { device: device.to_str().unwrap().into(), pulse, baud: 38_400 };
    (serial::start(&config, monotonic(), sender).unwrap(), heard)
}

/// A pseudo-terminal under a name that stays; the far end and the near one, which keeps it alive.
fn plug(link: &Path) -> (TTYPort, TTYPort) {
    let (far, near) = TTYPort::pair().unwrap();
    let _ = std::fs::remove_file(link);
    std::os::unix::fs::symlink(serialport::SerialPort::name(&near).unwrap(), link).unwrap();
    (far, near)
}

#[test]
fn a_byte_a_frame_is_a_beat_and_the_port_may_come_and_go() {
    let folder = Folder::new("tty");
    let link = folder.file("tty");
    let (_source, heard) = serial_in(&link, SerialEdge::Byte);
    assert!(trouble(&heard).contains("no such device"));
    for _ in 0..2 {
        let (mut far, near) = plug(&link);
        well(&heard);
        let before = MonotonicClock.now();
        far.write_all(b"x").unwrap();
        let (at, count) = pulse(&heard);
        // A byte began a byte's time before it was there.
        assert!(at > before.plus_nanos(-300_000) && at < MonotonicClock.now() && count.is_none());
        drop((far, near));
        assert!(trouble(&heard).contains("is gone"));
    }
}

#[test]
fn what_is_no_serial_port_and_a_port_without_modem_lines_are_named() {
    let folder = Folder::new("no-tty");
    std::fs::write(folder.file("file"), "").unwrap();
    let (_source, heard) = serial_in(&folder.file("file"), SerialEdge::Byte);
    assert!(trouble(&heard).contains("no serial device"));
    let link = folder.file("tty");
    let _ends = plug(&link);
    for edge in [SerialEdge::Cts, SerialEdge::Dcd] {
        let (_source, heard) = serial_in(&link, edge);
        assert!(trouble(&heard).contains("no modem lines"));
    }
}

#[test]
fn a_flood_of_bytes_is_no_beat() {
    let folder = Folder::new("flood");
    let link = folder.file("tty");
    let (mut far, _near) = plug(&link);
    let (source, heard) = serial_in(&link, SerialEdge::Byte);
    well(&heard);
    for _ in 0..200 {
        let _ = far.write_all(&[0x55; 1000]);
    }
    pulse(&heard);
    drop(source);
    let beats = 1 + heard.try_iter().filter(|heard| matches!(heard, Heard::Pulse { .. })).count();
    assert!(beats < 2000, "{beats} beats of 200,000 bytes");
}

// ---- MIDI

#[test]
fn midi_without_a_sequencer_or_the_port_is_named() {
    let (sender, heard) = crossbeam_channel::unbounded();
    let config = Midi { port: "no port is called this".into() };
    let _source = mtc::start(&config, monotonic(), sender).unwrap();
    let text = trouble(&heard);
    assert!(text.contains("no port is called this"), "{text}");
    assert!(text.contains("/dev/snd/seq") || text.contains("no MIDI port"), "{text}");
}
