#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cyc_wire::fuzz::fuzz_osc_tick(bytes));
