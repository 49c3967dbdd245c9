//! PTP management, against what ptp4l answered and pmc made of it.

use crate::{bytes, list, vectors};
use cyc_wire::{
    WireError,
    ptp::{Action, Body, ClockIdentity, DataSet, Id, Message, PortIdentity, PortState, Refusal, Request, Response},
};
use proptest::prelude::*;
use serde_json::Value;

fn response(hex: &Value) -> Response {
    Response::parse(&Message::new_checked(&bytes(hex)).unwrap()).unwrap()
}

fn data(hex: &Value) -> DataSet {
    match response(hex).body {
        Body::Data(data) => data,
        body => panic!("{body:?}"),
    }
}

fn flag(set: bool) -> String {
    u8::from(set).to_string()
}

/// The fields of a data set under pmc's names and in its manner.
fn as_pmc_prints(data: &DataSet) -> Vec<(&'static str, String)> {
    let hex = |byte: u8| format!("0x{byte:02x}");
    match data {
        DataSet::Default(set) => vec![
            ("twoStepFlag", flag(set.two_step)),
            ("slaveOnly", flag(set.slave_only)),
            ("numberPorts", set.ports.to_string()),
            ("priority1", set.priority_1.to_string()),
            ("clockClass", set.quality.class.to_string()),
            ("clockAccuracy", hex(set.quality.accuracy)),
            ("offsetScaledLogVariance", format!("0x{:04x}", set.quality.log_variance)),
            ("priority2", set.priority_2.to_string()),
            ("clockIdentity", set.identity.to_string()),
            ("domainNumber", set.domain.to_string()),
        ],
        DataSet::Current(set) => vec![
            ("stepsRemoved", set.steps_removed.to_string()),
            ("offsetFromMaster", format!("{:.1}", set.offset_nanos())),
            ("meanPathDelay", format!("{:.1}", set.path_delay_nanos())),
        ],
        DataSet::Parent(set) => vec![
            ("parentPortIdentity", set.parent.to_string()),
            ("grandmasterPriority1", set.grandmaster_priority_1.to_string()),
            ("gm.ClockClass", set.grandmaster_quality.class.to_string()),
            ("gm.ClockAccuracy", hex(set.grandmaster_quality.accuracy)),
            ("gm.OffsetScaledLogVariance", format!("0x{:04x}", set.grandmaster_quality.log_variance)),
            ("grandmasterPriority2", set.grandmaster_priority_2.to_string()),
            ("grandmasterIdentity", set.grandmaster.to_string()),
        ],
        DataSet::TimeProperties(set) => vec![
            ("currentUtcOffset", set.utc_offset_secs.to_string()),
            ("leap61", flag(set.leap_61)),
            ("leap59", flag(set.leap_59)),
            ("currentUtcOffsetValid", flag(set.utc_offset_valid)),
            ("ptpTimescale", flag(set.ptp_timescale)),
            ("timeTraceable", flag(set.time_traceable)),
            ("frequencyTraceable", flag(set.frequency_traceable)),
            ("timeSource", hex(set.time_source)),
        ],
        DataSet::Port(set) => vec![
            ("portIdentity", set.identity.to_string()),
            ("portState", screaming(set.state)),
            ("logMinDelayReqInterval", set.log_min_delay_request_secs.to_string()),
            ("peerMeanPathDelay", (set.peer_delay_scaled_nanos >> 16).to_string()),
            ("logAnnounceInterval", set.log_announce_secs.to_string()),
            ("announceReceiptTimeout", set.announce_timeout.to_string()),
            ("logSyncInterval", set.log_sync_secs.to_string()),
            ("delayMechanism", set.delay_mechanism.to_string()),
            ("logMinPdelayReqInterval", set.log_min_peer_delay_request_secs.to_string()),
            ("versionNumber", set.version.to_string()),
        ],
        DataSet::TimeStatus(set) => vec![
            ("master_offset", set.master_offset_nanos.to_string()),
            ("ingress_time", set.ingress_nanos.to_string()),
            ("cumulativeScaledRateOffset", rate_offset(set.cumulative_scaled_rate_offset)),
            ("scaledLastGmPhaseChange", set.scaled_last_phase_change.to_string()),
            ("gmTimeBaseIndicator", set.time_base.to_string()),
            ("gmPresent", set.grandmaster_present.to_string()),
            ("gmIdentity", set.grandmaster.to_string()),
        ],
    }
}

fn rate_offset(scaled: i32) -> String {
    format!("{:+.9}", f64::from(scaled) / 2_f64.powi(41))
}

fn screaming(state: PortState) -> String {
    let name = format!("{state:?}").to_uppercase();
    if name == "PREMASTER" { "PRE_MASTER".into() } else { name }
}

/// How many of pmc's fields were compared; it prints some that are not read here.
fn agree(data: &DataSet, pmc: &Value) -> usize {
    let fields = as_pmc_prints(data);
    for (name, value) in &fields {
        assert_eq!(pmc[name], *value, "{name} of {data:?}");
    }
    pmc.as_object().unwrap().len() - fields.len()
}

#[test]
fn answers_mean_what_pmc_says() {
    let file = vectors("ptp_management_vectors.json");
    for vector in list(&file["answers"]) {
        let answer = response(&vector["answer"]);
        let Body::Data(data) = answer.body else { panic!("{vector}") };
        assert_eq!(data.id().to_string(), vector["id"].as_str().unwrap());
        assert_eq!((answer.domain, answer.source.to_string().as_str()), (127, vector["source"].as_str().unwrap()));
        // Left unread: the parent's statistics, and the phase change that pmc prints in parts.
        let unread = match data.id() {
            Id::ParentDataSet => 3,
            Id::TimeStatus => 1,
            _ => 0,
        };
        assert_eq!(agree(&data, &vector["pmc"]), unread, "{}", vector["name"]);
    }
    assert_eq!(list(&file["answers"]).len(), 19);
}

#[test]
fn every_value_means_what_pmc_says() {
    let changed = &vectors("ptp_management_vectors.json")["changed"];
    for vector in list(&changed["port_states"]) {
        let DataSet::Port(set) = data(&vector["answer"]) else { panic!("{vector}") };
        assert_eq!(screaming(set.state), vector["pmc"].as_str().unwrap());
        assert_eq!(u64::from(set.state.code()), vector["code"].as_u64().unwrap());
    }
    for vector in list(&changed["time_properties_flags"]) {
        assert_eq!(agree(&data(&vector["answer"]), &vector["pmc"]), 0);
    }
    assert_eq!(agree(&data(&changed["time_status"]["answer"]), &changed["time_status"]["pmc"]), 1);
    // pmc cuts to a tenth where this rounds.
    let DataSet::Current(set) = data(&changed["current"]["answer"]) else { panic!("{changed}") };
    assert_eq!((set.steps_removed, set.offset_nanos(), set.path_delay_nanos()), (300, -12_345.5, 7.25));
}

#[test]
fn requests_are_what_ptp4l_answered() {
    let file = vectors("ptp_management_vectors.json");
    let source = PortIdentity { clock: ClockIdentity::default(), port: 0x1234 };
    for vector in list(&file["answers"]) {
        let wire = bytes(&vector["request"]);
        let id = Id::ALL.into_iter().find(|id| id.to_string() == vector["id"].as_str().unwrap()).unwrap();
        let sequence = u16::from_be_bytes([wire[30], wire[31]]);
        let request = Request { domain: 127, transport_specific: 0, source, sequence, id };
        assert_eq!(request.emit().to_vec(), wire, "{request}");
        assert_eq!(response(&vector["answer"]).sequence, sequence);
        let view = Message::new_checked(&wire).unwrap();
        assert_eq!((view.action(), view.id_code(), view.source()), (Action::Get, id.code(), source));
    }
}

#[test]
fn refusals_and_data_that_is_not_read() {
    let file = vectors("ptp_management_vectors.json");
    let refused = response(&file["refused"]["answer"]);
    assert_eq!(refused.body, Body::Refused { id_code: 0x1234, reason: Refusal::NoSuchId });
    assert_eq!(refused.to_string(), "PTP refused 1234: no such identifier");
    let other = bytes(&file["other"]["answer"]);
    let message = Message::new_checked(&other).unwrap();
    assert_eq!(message.id_code(), 0xC002);
    assert_eq!(Response::parse(&message), Err(WireError::Unsupported("this management identifier")));
    let request = bytes(&file["silent"]["request"]);
    assert_eq!(Response::parse(&Message::new_checked(&request).unwrap()), Err(WireError::BadValue("action")));
    for code in 0..=7 {
        assert_eq!(Refusal::of_code(code).code(), code);
    }
}

#[test]
fn a_silent_master_shows_in_the_port_alone() {
    // ptp4l goes on to name the grandmaster and the last offset; the port listens again.
    let file = vectors("ptp_management_vectors.json");
    let silent = list(&file["answers"]).iter().filter(|vector| vector["name"].as_str().unwrap().contains("silent"));
    for vector in silent {
        match data(&vector["answer"]) {
            DataSet::TimeStatus(set) => assert!(set.grandmaster_present && set.master_offset_nanos.abs() < 10_000),
            DataSet::Parent(set) => assert_ne!(set.parent.port, 0),
            DataSet::Port(set) => assert_eq!(set.state, PortState::Listening),
            set => panic!("{set}"),
        }
    }
}

#[test]
fn damaged_messages() {
    let file = vectors("ptp_management_vectors.json");
    let good = bytes(&file["answers"][0]["answer"]);
    let changed = |at: usize, value: u8| {
        let mut wire = good.clone();
        wire[at] = value;
        Message::new_checked(&wire).and_then(|message| Response::parse(&message))
    };
    assert_eq!(changed(0, 0x0B), Err(WireError::BadMagic));
    assert_eq!(changed(1, 0x01), Err(WireError::UnsupportedVersion(1)));
    assert_eq!(changed(3, 200), Err(WireError::Truncated));
    assert_eq!(changed(46, 0x07), Err(WireError::BadValue("action")));
    assert_eq!(changed(49, 0x03), Err(WireError::Unsupported("this TLV")));
    assert_eq!(changed(51, 1), Err(WireError::BadLength));
    assert_eq!(changed(51, 200), Err(WireError::BadLength));
    assert_eq!(changed(51, 21), Err(WireError::BadLength), "data too short for its set");
    assert_eq!(Message::new_checked(&good[..53]), Err(WireError::Truncated));
    let port = list(&file["changed"]["port_states"]);
    let mut wire = bytes(&port[0]["answer"]);
    wire[64] = 10;
    assert_eq!(Response::parse(&Message::new_checked(&wire).unwrap()), Err(WireError::BadValue("port state")));
    // Bytes after the message, such as a signature, are not its own.
    let padded = [&good[..], &[1, 2, 3]].concat();
    assert_eq!(Message::new_checked(&padded), Message::new_checked(&good));
}

#[test]
fn one_line_each() {
    let file = vectors("ptp_management_vectors.json");
    for vector in list(&file["answers"]) {
        let line = response(&vector["answer"]).to_string();
        assert!(line.starts_with("PTP ") && line.contains("domain=127") && !line.contains('\n'), "{line}");
    }
}

proptest! {
    #[test]
    fn data_sets_round_trip(id in prop::sample::select(Id::ALL.to_vec()), filler in prop::collection::vec(any::<u8>(), 50)) {
        let length = match id {
            Id::DefaultDataSet => 20,
            Id::CurrentDataSet => 18,
            Id::ParentDataSet => 32,
            Id::TimePropertiesDataSet => 4,
            Id::PortDataSet => 26,
            Id::TimeStatus => 50,
        };
        let mut filler = filler;
        if id == Id::PortDataSet {
            filler[10] = filler[10] % 9 + 1;
        }
        let set = DataSet::parse(id, &filler[..length]).unwrap();
        prop_assert_eq!(set.emit().len(), length);
        prop_assert_eq!(DataSet::parse(id, &set.emit()), Ok(set));
        for wrong in [length - 1, length + 1] {
            let data: Vec<u8> = filler.iter().cycle().take(wrong).copied().collect();
            prop_assert_eq!(DataSet::parse(id, &data), Err(WireError::BadLength));
        }
    }
}
