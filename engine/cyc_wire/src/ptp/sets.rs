//! The data sets of a PTP clock.

use super::{ClockIdentity, IDENTITY_LEN, Id, PortIdentity};
use crate::WireError;
use std::fmt;

/// What a management message tells of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSet {
    /// The daemon's own clock.
    Default(DefaultDataSet),
    /// Its distance from the master.
    Current(CurrentDataSet),
    /// Its master and grandmaster.
    Parent(ParentDataSet),
    /// What its time means.
    TimeProperties(TimePropertiesDataSet),
    /// One port's state.
    Port(PortDataSet),
    /// linuxptp's summary.
    TimeStatus(TimeStatus),
}

/// How good a clock is (IEEE 1588-2008, 7.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ClockQuality {
    /// 6 locked to a primary reference, 7 in holdover from one, 248 the default, 255 never a master.
    pub class: u8,
    /// 0x20 is within 25 ns, 0x21 within 100 ns, ... 0xFE unknown.
    pub accuracy: u8,
    /// Its variance, scaled logarithm.
    pub log_variance: u16,
}

/// DEFAULT_DATA_SET (15.5.3.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DefaultDataSet {
    /// Sync messages are followed up.
    pub two_step: bool,
    /// It never becomes a master.
    pub slave_only: bool,
    /// Number of its ports.
    pub ports: u16,
    /// Its first priority.
    pub priority_1: u8,
    /// How good it is without a master.
    pub quality: ClockQuality,
    /// Its second priority.
    pub priority_2: u8,
    /// Who it is.
    pub identity: ClockIdentity,
    /// Its domain.
    pub domain: u8,
}

/// CURRENT_DATA_SET (15.5.3.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CurrentDataSet {
    /// Clocks between it and the grandmaster; 0 is the grandmaster itself.
    pub steps_removed: u16,
    /// Its time less its master's, 1/65536 ns.
    pub offset_scaled_nanos: i64,
    /// Delay of the path to its master, 1/65536 ns.
    pub path_delay_scaled_nanos: i64,
}

impl CurrentDataSet {
    /// Its time less its master's, nanoseconds.
    pub fn offset_nanos(&self) -> f64 {
        self.offset_scaled_nanos as f64 / 65536.0
    }

    /// Delay of the path to its master, nanoseconds.
    pub fn path_delay_nanos(&self) -> f64 {
        self.path_delay_scaled_nanos as f64 / 65536.0
    }
}

/// PARENT_DATA_SET (15.5.3.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParentDataSet {
    /// The master's port that it follows; its own port 0 if it is the grandmaster.
    pub parent: PortIdentity,
    /// First priority of the grandmaster.
    pub grandmaster_priority_1: u8,
    /// How good the grandmaster is.
    pub grandmaster_quality: ClockQuality,
    /// Second priority of the grandmaster.
    pub grandmaster_priority_2: u8,
    /// Who the grandmaster is.
    pub grandmaster: ClockIdentity,
}

/// TIME_PROPERTIES_DATA_SET (15.5.3.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimePropertiesDataSet {
    /// TAI less UTC, seconds; worth something only if [`Self::utc_offset_valid`].
    pub utc_offset_secs: i16,
    /// The last minute of this UTC day has 61 seconds.
    pub leap_61: bool,
    /// The last minute of this UTC day has 59 seconds.
    pub leap_59: bool,
    /// The UTC offset is known to be right.
    pub utc_offset_valid: bool,
    /// The time is TAI since 1970, not an arbitrary one.
    pub ptp_timescale: bool,
    /// The time comes from a primary reference.
    pub time_traceable: bool,
    /// The frequency comes from a primary reference.
    pub frequency_traceable: bool,
    /// 0x10 atomic, 0x20 GPS, 0x40 PTP, 0x50 NTP, 0xA0 a free oscillator.
    pub time_source: u8,
}

/// What a port does (IEEE 1588-2008, table 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(missing_docs, reason = "the standard's names are the documentation")]
pub enum PortState {
    #[default]
    Initializing,
    Faulty,
    Disabled,
    Listening,
    PreMaster,
    Master,
    Passive,
    Uncalibrated,
    Slave,
}

impl PortState {
    const ALL: [Self; 9] = [
        Self::Initializing,
        Self::Faulty,
        Self::Disabled,
        Self::Listening,
        Self::PreMaster,
        Self::Master,
        Self::Passive,
        Self::Uncalibrated,
        Self::Slave,
    ];

    /// The code on the wire, 1..=9.
    pub const fn code(self) -> u8 {
        self as u8 + 1
    }

    /// The state with this code.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code.checked_sub(1)?)).copied()
    }
}

/// PORT_DATA_SET (15.5.3.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortDataSet {
    /// Which port.
    pub identity: PortIdentity,
    /// What it does.
    pub state: PortState,
    /// Binary logarithm of the seconds between delay requests.
    pub log_min_delay_request_secs: i8,
    /// Delay to the neighbour, 1/65536 ns, where the peer mechanism is used.
    pub peer_delay_scaled_nanos: i64,
    /// Binary logarithm of the seconds between announce messages; -2 by ST 2059-2.
    pub log_announce_secs: i8,
    /// Announce messages that may fail to come.
    pub announce_timeout: u8,
    /// Binary logarithm of the seconds between sync messages; -3 by ST 2059-2.
    pub log_sync_secs: i8,
    /// 1 end to end, 2 peer to peer.
    pub delay_mechanism: u8,
    /// Binary logarithm of the seconds between peer delay requests.
    pub log_min_peer_delay_request_secs: i8,
    /// PTP version.
    pub version: u8,
}

/// TIME_STATUS_NP of linuxptp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeStatus {
    /// Its time less its master's at the last sync message, nanoseconds.
    pub master_offset_nanos: i64,
    /// When the last sync message came, nanoseconds on its clock.
    pub ingress_nanos: i64,
    /// How fast the grandmaster's clock runs, (ratio - 1) * 2^41, by follow-up messages.
    pub cumulative_scaled_rate_offset: i32,
    /// Last change of the grandmaster's frequency, scaled the same way.
    pub scaled_last_phase_change: i32,
    /// Which time base the grandmaster uses; counts its changes.
    pub time_base: u16,
    /// Last change of the grandmaster's phase, 1/65536 ns, 96 bits in two's complement.
    pub last_phase_change: [u8; 12],
    /// There is a grandmaster other than itself.
    pub grandmaster_present: bool,
    /// Who it is.
    pub grandmaster: ClockIdentity,
}

impl DataSet {
    /// What it is an answer to.
    pub const fn id(&self) -> Id {
        match self {
            Self::Default(_) => Id::DefaultDataSet,
            Self::Current(_) => Id::CurrentDataSet,
            Self::Parent(_) => Id::ParentDataSet,
            Self::TimeProperties(_) => Id::TimePropertiesDataSet,
            Self::Port(_) => Id::PortDataSet,
            Self::TimeStatus(_) => Id::TimeStatus,
        }
    }

    /// Reads the data of a management TLV. Errors: `BadLength`, `BadValue` (a port state that does not exist).
    pub fn parse(id: Id, data: &[u8]) -> Result<Self, WireError> {
        let mut fields = Fields { rest: data };
        let parsed = match id {
            Id::DefaultDataSet => Self::Default(fields.default_data_set()?),
            Id::CurrentDataSet => Self::Current(fields.current()?),
            Id::ParentDataSet => Self::Parent(fields.parent()?),
            Id::TimePropertiesDataSet => Self::TimeProperties(fields.time_properties()?),
            Id::PortDataSet => Self::Port(fields.port()?),
            Id::TimeStatus => Self::TimeStatus(fields.time_status()?),
        };
        if fields.rest.is_empty() { Ok(parsed) } else { Err(WireError::BadLength) }
    }

    /// The data of a management TLV.
    pub fn emit(&self) -> Vec<u8> {
        match self {
            Self::Default(set) => set.emit().to_vec(),
            Self::Current(set) => set.emit(),
            Self::Parent(set) => set.emit(),
            Self::TimeProperties(set) => set.emit().to_vec(),
            Self::Port(set) => set.emit(),
            Self::TimeStatus(set) => set.emit(),
        }
    }
}

impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(set) => {
                write!(f, "clock {} domain={} class={}", set.identity, set.domain, set.quality.class)
            }
            Self::Current(set) => {
                write!(f, "offset={:.1} ns delay={:.1} ns", set.offset_nanos(), set.path_delay_nanos())?;
                write!(f, " steps={}", set.steps_removed)
            }
            Self::Parent(set) => {
                write!(f, "grandmaster {} class={}", set.grandmaster, set.grandmaster_quality.class)?;
                write!(f, " through {}", set.parent)
            }
            Self::TimeProperties(set) => set.fmt(f),
            Self::Port(set) => write!(f, "port {} {:?}", set.identity, set.state),
            Self::TimeStatus(set) => {
                write!(f, "offset={} ns grandmaster {}", set.master_offset_nanos, set.grandmaster)?;
                f.write_str(if set.grandmaster_present { "" } else { ", itself" })
            }
        }
    }
}

impl fmt::Display for TimePropertiesDataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = [
            (self.utc_offset_valid, " valid"),
            (self.leap_61, " leap61"),
            (self.leap_59, " leap59"),
            (self.ptp_timescale, " PTP"),
            (self.time_traceable, " traceable"),
            (self.frequency_traceable, " frequency-traceable"),
        ];
        write!(f, "UTC offset={} s", self.utc_offset_secs)?;
        flags.into_iter().filter(|(set, _)| *set).try_for_each(|(_, name)| f.write_str(name))
    }
}

/// Reads fields one after the other.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(WireError::BadLength)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, WireError> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, WireError> {
        self.take().map(u16::from_be_bytes)
    }

    fn i32(&mut self) -> Result<i32, WireError> {
        self.take().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64, WireError> {
        self.take().map(i64::from_be_bytes)
    }

    fn i8(&mut self) -> Result<i8, WireError> {
        self.u8().map(u8::cast_signed)
    }

    fn clock(&mut self) -> Result<ClockIdentity, WireError> {
        self.take().map(ClockIdentity)
    }

    fn port_identity(&mut self) -> Result<PortIdentity, WireError> {
        self.take::<IDENTITY_LEN>().map(|bytes| PortIdentity::parse(&bytes))
    }

    fn quality(&mut self) -> Result<ClockQuality, WireError> {
        Ok(ClockQuality { class: self.u8()?, accuracy: self.u8()?, log_variance: self.u16()? })
    }

    fn default_data_set(&mut self) -> Result<DefaultDataSet, WireError> {
        let [flags, _] = self.take()?;
        let set = DefaultDataSet {
            two_step: flags & 1 != 0,
            slave_only: flags & 2 != 0,
            ports: self.u16()?,
            priority_1: self.u8()?,
            quality: self.quality()?,
            priority_2: self.u8()?,
            identity: self.clock()?,
            domain: self.u8()?,
        };
        self.u8()?;
        Ok(set)
    }

    fn current(&mut self) -> Result<CurrentDataSet, WireError> {
        let steps_removed = self.u16()?;
        Ok(CurrentDataSet { steps_removed, offset_scaled_nanos: self.i64()?, path_delay_scaled_nanos: self.i64()? })
    }

    fn parent(&mut self) -> Result<ParentDataSet, WireError> {
        let parent = self.port_identity()?;
        // Statistics of the parent, which nobody keeps.
        self.take::<8>()?;
        Ok(ParentDataSet {
            parent,
            grandmaster_priority_1: self.u8()?,
            grandmaster_quality: self.quality()?,
            grandmaster_priority_2: self.u8()?,
            grandmaster: self.clock()?,
        })
    }

    fn time_properties(&mut self) -> Result<TimePropertiesDataSet, WireError> {
        let (utc_offset_secs, flags, time_source) = (self.u16()?.cast_signed(), self.u8()?, self.u8()?);
        Ok(TimePropertiesDataSet {
            utc_offset_secs,
            leap_61: flags & 0x01 != 0,
            leap_59: flags & 0x02 != 0,
            utc_offset_valid: flags & 0x04 != 0,
            ptp_timescale: flags & 0x08 != 0,
            time_traceable: flags & 0x10 != 0,
            frequency_traceable: flags & 0x20 != 0,
            time_source,
        })
    }

    fn port(&mut self) -> Result<PortDataSet, WireError> {
        Ok(PortDataSet {
            identity: self.port_identity()?,
            state: PortState::of_code(self.u8()?).ok_or(WireError::BadValue("port state"))?,
            log_min_delay_request_secs: self.i8()?,
            peer_delay_scaled_nanos: self.i64()?,
            log_announce_secs: self.i8()?,
            announce_timeout: self.u8()?,
            log_sync_secs: self.i8()?,
            delay_mechanism: self.u8()?,
            log_min_peer_delay_request_secs: self.i8()?,
            version: self.u8()? & 0x0F,
        })
    }

    fn time_status(&mut self) -> Result<TimeStatus, WireError> {
        Ok(TimeStatus {
            master_offset_nanos: self.i64()?,
            ingress_nanos: self.i64()?,
            cumulative_scaled_rate_offset: self.i32()?,
            scaled_last_phase_change: self.i32()?,
            time_base: self.u16()?,
            last_phase_change: self.take()?,
            grandmaster_present: self.i32()? != 0,
            grandmaster: self.clock()?,
        })
    }
}

impl ClockQuality {
    fn emit(self) -> [u8; 4] {
        let [high, low] = self.log_variance.to_be_bytes();
        [self.class, self.accuracy, high, low]
    }
}

impl DefaultDataSet {
    fn emit(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.two_step) | u8::from(self.slave_only) << 1, 0];
        bytes.extend(self.ports.to_be_bytes());
        bytes.push(self.priority_1);
        bytes.extend(self.quality.emit());
        bytes.push(self.priority_2);
        bytes.extend(self.identity.0);
        bytes.extend([self.domain, 0]);
        bytes
    }
}

impl CurrentDataSet {
    fn emit(&self) -> Vec<u8> {
        let mut bytes = self.steps_removed.to_be_bytes().to_vec();
        bytes.extend(self.offset_scaled_nanos.to_be_bytes());
        bytes.extend(self.path_delay_scaled_nanos.to_be_bytes());
        bytes
    }
}

impl ParentDataSet {
    fn emit(&self) -> Vec<u8> {
        let mut bytes = self.parent.emit().to_vec();
        // No statistics: the standard's values for that.
        bytes.extend([0, 0, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]);
        bytes.push(self.grandmaster_priority_1);
        bytes.extend(self.grandmaster_quality.emit());
        bytes.push(self.grandmaster_priority_2);
        bytes.extend(self.grandmaster.0);
        bytes
    }
}

impl TimePropertiesDataSet {
    fn emit(&self) -> [u8; 4] {
        let flags = [
            self.leap_61,
            self.leap_59,
            self.utc_offset_valid,
            self.ptp_timescale,
            self.time_traceable,
            self.frequency_traceable,
        ];
        let flags = flags.into_iter().enumerate().fold(0, |byte, (i, flag)| byte | u8::from(flag) << i);
        let [high, low] = self.utc_offset_secs.to_be_bytes();
        [high, low, flags, self.time_source]
    }
}

impl PortDataSet {
    fn emit(&self) -> Vec<u8> {
        let mut bytes = self.identity.emit().to_vec();
        bytes.extend([self.state.code(), self.log_min_delay_request_secs.cast_unsigned()]);
        bytes.extend(self.peer_delay_scaled_nanos.to_be_bytes());
        bytes.extend([self.log_announce_secs.cast_unsigned(), self.announce_timeout]);
        bytes.extend([self.log_sync_secs.cast_unsigned(), self.delay_mechanism]);
        bytes.extend([self.log_min_peer_delay_request_secs.cast_unsigned(), self.version & 0x0F]);
        bytes
    }
}

impl TimeStatus {
    fn emit(&self) -> Vec<u8> {
        let mut bytes = self.master_offset_nanos.to_be_bytes().to_vec();
        bytes.extend(self.ingress_nanos.to_be_bytes());
        bytes.extend(self.cumulative_scaled_rate_offset.to_be_bytes());
        bytes.extend(self.scaled_last_phase_change.to_be_bytes());
        bytes.extend(self.time_base.to_be_bytes());
        bytes.extend(self.last_phase_change);
        bytes.extend(i32::from(self.grandmaster_present).to_be_bytes());
        bytes.extend(self.grandmaster.0);
        bytes
    }
}
