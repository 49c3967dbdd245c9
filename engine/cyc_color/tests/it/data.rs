//! Reference tables and repeatable numbers.

use std::path::PathBuf;

/// A file of `tests/data/colour`.
pub fn read(name: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/colour")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A table of numbers with a name over each column.
pub struct Csv {
    names: Vec<String>,
    pub rows: Vec<Vec<f64>>,
}

impl Csv {
    pub fn open(name: &str) -> Self {
        let text = read(name);
        let mut lines = text.lines();
        let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
        let rows: Vec<Vec<f64>> =
            lines.map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
        assert!(rows.len() > 10 && rows.iter().all(|row| row.len() == names.len()), "{name} is cut off");
        Self { names, rows }
    }

    pub fn number(&self, row: &[f64], name: &str) -> f64 {
        row[self.names.iter().position(|n| n == name).unwrap_or_else(|| panic!("no column {name}"))]
    }

    /// Columns `<name>_r`, `_g`, `_b`.
    pub fn rgb(&self, row: &[f64], name: &str) -> [f64; 3] {
        ["r", "g", "b"].map(|channel| self.number(row, &format!("{name}_{channel}")))
    }
}

/// The largest difference of two colours' channels.
pub fn difference(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).abs()).fold(0.0, f64::max)
}

/// Numbers 0..1, the same on every run (SplitMix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
