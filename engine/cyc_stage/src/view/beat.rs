//! Genlock, timecode, pacer and budget as JSON, in the stage file's words.

use super::ms;
use crate::stage::{
    ArtNet, Budget, Genlock, GenlockSource, LabelSource, Midi, OscTicks, Pacer, SerialEdge, Sound, TimecodeOut,
    TimecodePlan,
};
use serde_json::{Value, json};

pub(super) fn genlock(genlock: &Genlock) -> Value {
    let source = match &genlock.source {
        GenlockSource::Internal => json!({ "internal": {} }),
        GenlockSource::Ptp(ptp) => json!({ "ptp": {
            "domain": ptp.domain,
            "interface": ptp.interface,
            "device": ptp.device,
            "management": ptp.management,
        } }),
        GenlockSource::Ltc(ltc) => json!({ "ltc": sound(ltc) }),
        GenlockSource::Mtc(mtc) => json!({ "mtc": midi(mtc) }),
        GenlockSource::ArtNet(from) => json!({ "artnet": artnet(from) }),
        GenlockSource::Osc(from) => json!({ "osc": osc(from) }),
        GenlockSource::Serial(serial) => {
            let pulse = match serial.pulse {
                SerialEdge::Byte => "byte",
                SerialEdge::Cts => "cts",
                SerialEdge::Dcd => "dcd",
            };
            json!({ "serial": { "device": serial.device, "pulse": pulse, "baud": serial.baud } })
        }
        GenlockSource::Display(display) => {
            json!({ "display": { "card": display.card, "connector": display.connector } })
        }
    };
    json!({ "source": source, "phase_us": genlock.phase_nanos as f64 * 1e-3 })
}

pub(super) fn timecode(plan: &TimecodePlan) -> Value {
    let source = match &plan.source {
        LabelSource::Count { start } => json!({ "count": { "start": start } }),
        LabelSource::TimeOfDay { utc_offset_minutes, jam_minutes } => {
            let jam = format!("{:02}:{:02}", jam_minutes / 60, jam_minutes % 60);
            json!({ "time_of_day": { "utc_offset_minutes": utc_offset_minutes, "jam": jam } })
        }
        LabelSource::Genlock => json!({ "genlock": {} }),
        LabelSource::Ltc(ltc) => json!({ "ltc": sound(ltc) }),
        LabelSource::Mtc(mtc) => json!({ "mtc": midi(mtc) }),
        LabelSource::ArtNet(from) => json!({ "artnet": artnet(from) }),
        LabelSource::Osc(from) => json!({ "osc": osc(from) }),
    };
    let out: Vec<Value> = plan.out.iter().map(out).collect();
    json!({ "source": source, "drop_frame": plan.drop_frame, "out": out })
}

fn out(out: &TimecodeOut) -> Value {
    match out {
        TimecodeOut::Ltc(ltc) => json!({ "ltc": sound(ltc) }),
        TimecodeOut::Mtc(mtc) => json!({ "mtc": midi(mtc) }),
        TimecodeOut::ArtNet(to) => json!({ "artnet": artnet(to) }),
        TimecodeOut::Osc { to, every } => {
            json!({ "osc": { "udp": to.udp, "address": to.address, "every": every } })
        }
    }
}

fn sound(sound: &Sound) -> Value {
    match sound {
        Sound::Device { name, channel } => json!({ "device": name, "channel": channel }),
        Sound::File { path, channel } => json!({ "file": path.display().to_string(), "channel": channel }),
    }
}

fn midi(midi: &Midi) -> Value {
    json!({ "port": midi.port })
}

fn artnet(artnet: &ArtNet) -> Value {
    json!({ "udp": artnet.udp, "stream": artnet.stream })
}

fn osc(osc: &OscTicks) -> Value {
    json!({ "udp": osc.udp, "address": osc.address })
}

pub(super) fn pacer(pacer: &Pacer) -> Value {
    json!({
        "priority": pacer.priority.unwrap_or(0),
        "cpu": pacer.cpu,
        "spin_us": pacer.spin_nanos as f64 * 1e-3,
        "lock_memory": pacer.lock_memory,
    })
}

pub(super) fn budget(budget: &Budget) -> Value {
    let limit = |nanos: Option<i64>| nanos.map(ms);
    json!({
        "receive_to_use_ms": limit(budget.receive_to_use),
        "pose_age_ms": limit(budget.pose_age),
        "margin_ms": limit(budget.margin),
        "latch_ms": limit(budget.latch),
        "simulate_ms": limit(budget.simulate),
        "solve_ms": limit(budget.solve),
        "render_ms": limit(budget.render),
        "compose_ms": limit(budget.compose),
        "present_ms": limit(budget.present),
        "degrade": budget.degrade,
    })
}
