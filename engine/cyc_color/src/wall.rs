//! ACEScg light to an output's code values: primaries, clip, transfer.

use crate::gamut::{acescg_from_gamut, gamut_from_acescg};
use crate::transfer::{self, Bt1886};
use crate::{Signal, Transfer};
use nalgebra::{Matrix3, Vector3};

/// What one output does to light, ready for many pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WallEncode {
    signal: Signal,
    gamut_from_acescg: Matrix3<f64>,
    acescg_from_gamut: Matrix3<f64>,
}

impl WallEncode {
    /// Light outside this, either way, counts as this: the largest finite half float. Same in `color.wgsl`.
    pub const LIGHT_LIMIT: f64 = 65504.0;

    /// For a signal without [`Signal::problems`].
    pub fn new(signal: &Signal) -> Self {
        Self {
            signal: *signal,
            gamut_from_acescg: gamut_from_acescg(signal.gamut),
            acescg_from_gamut: acescg_from_gamut(signal.gamut),
        }
    }

    /// The signal it was made for.
    pub fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Code values 0..=1 of linear ACEScg light; a channel that is NaN counts as black.
    pub fn code_from_acescg(&self, acescg: [f64; 3]) -> [f64; 3] {
        let held = acescg.map(|x| if x.is_nan() { 0.0 } else { x.clamp(-Self::LIGHT_LIMIT, Self::LIGHT_LIMIT) });
        let linear_in_gamut = self.gamut_from_acescg * Vector3::from(held);
        transfer::encode(&self.signal, linear_in_gamut.into())
    }

    /// Linear ACEScg light that the wall shows for code values.
    pub fn acescg_from_code(&self, code: [f64; 3]) -> [f64; 3] {
        (self.acescg_from_gamut * Vector3::from(transfer::decode(&self.signal, code))).into()
    }

    /// The shader's uniform block; dither on.
    pub fn uniform(&self) -> WallEncodeUniform {
        let column = |i| {
            let column = self.gamut_from_acescg.column(i);
            [column[0] as f32, column[1] as f32, column[2] as f32, 0.0]
        };
        let peak_linear = self.signal.peak_linear();
        let (unit_from_linear, exponent) = match self.signal.transfer {
            Transfer::Srgb => (1.0 / peak_linear, 1.0 / 2.4),
            Transfer::Gamma22 => (1.0 / peak_linear, 1.0 / 2.2),
            Transfer::Gamma24 => (1.0 / peak_linear, 1.0 / 2.4),
            // With no black of its own the display is a pure power.
            Transfer::Bt1886 => (1.0 / peak_linear, 1.0 / Bt1886::GAMMA),
            Transfer::Pq => (1.0 / transfer::PQ_PEAK_LINEAR, transfer::PQ_M1),
            Transfer::Linear => (1.0 / peak_linear, 1.0),
        };
        WallEncodeUniform {
            gamut_from_acescg_x: column(0),
            gamut_from_acescg_y: column(1),
            gamut_from_acescg_z: column(2),
            transfer: WallEncodeUniform::transfer_number(self.signal.transfer),
            peak_linear: peak_linear as f32,
            unit_from_linear: unit_from_linear as f32,
            exponent: exponent as f32,
            bits: u32::from(self.signal.bits),
            dither_scale: 1.0,
            unused: [0; 2],
        }
    }
}

/// Code values 0..=1 of linear ACEScg light, for a single colour; for many use [`WallEncode`].
pub fn code_from_acescg(signal: &Signal, acescg: [f64; 3]) -> [f64; 3] {
    WallEncode::new(signal).code_from_acescg(acescg)
}

/// `struct WallEncode` of `shaders/lib/color.wgsl`: 80 bytes, alignment 16 in WGSL, no hidden padding.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub struct WallEncodeUniform {
    /// First column of the matrix from ACEScg to the output's primaries; the fourth number is unused. Offset 0.
    pub gamut_from_acescg_x: [f32; 4],
    /// Second column. Offset 16.
    pub gamut_from_acescg_y: [f32; 4],
    /// Third column. Offset 32.
    pub gamut_from_acescg_z: [f32; 4],
    /// One of the shader's `TRANSFER_*` numbers. Offset 48.
    pub transfer: u32,
    /// Where light is clipped, linear. Offset 52.
    pub peak_linear: f32,
    /// Linear light to the transfer's own 0..1: 1 / `peak_linear`, or 1 / 100 for PQ. Offset 56.
    pub unit_from_linear: f32,
    /// The transfer's first power: 1 / gamma, PQ's m1, 1 for linear. Offset 60.
    pub exponent: f32,
    /// Bits per channel: 8 or 10. Offset 64.
    pub bits: u32,
    /// Multiplies the dither: 1, or 0 for test patterns. Offset 68.
    pub dither_scale: f32,
    /// Offset 72.
    pub unused: [u32; 2],
}

impl WallEncodeUniform {
    /// Bytes of the block.
    pub const SIZE: usize = 80;

    /// The shader's number of a transfer function.
    pub const fn transfer_number(transfer: Transfer) -> u32 {
        match transfer {
            Transfer::Srgb => 0,
            Transfer::Gamma22 => 1,
            Transfer::Gamma24 => 2,
            Transfer::Bt1886 => 3,
            Transfer::Pq => 4,
            Transfer::Linear => 5,
        }
    }

    /// The same block without dither, for test patterns.
    pub fn without_dither(self) -> Self {
        Self { dither_scale: 0.0, ..self }
    }

    /// The block as a uniform buffer holds it, in the machine's byte order.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let columns = [self.gamut_from_acescg_x, self.gamut_from_acescg_y, self.gamut_from_acescg_z];
        let scalars = [
            self.transfer,
            self.peak_linear.to_bits(),
            self.unit_from_linear.to_bits(),
            self.exponent.to_bits(),
            self.bits,
            self.dither_scale.to_bits(),
        ];
        let words = columns.iter().flatten().map(|x| x.to_bits()).chain(scalars).chain(self.unused);
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}
