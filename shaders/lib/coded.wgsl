// The coded pattern: what the wall shows while its delay is measured.
// Rust twin: engine/cyc_frame/src/delay/pattern.rs, which says how it is made and why.

// The walk of both bits over 96 frames, frame 0 in the lowest bit of the first word.
const CODED_WALK_A: vec3<u32> = vec3<u32>(0x401e477bu, 0xb6086dc7u, 0x6accb538u);
const CODED_WALK_B: vec3<u32> = vec3<u32>(0x154b122eu, 0xe35d3892u, 0x3f99e06du);

// Bit n of a source's number; the eighth is the parity of the others.
fn source_bit(source: u32, n: u32) -> bool {
    let number = source % 128u;
    if n < 7u {
        return ((number >> n) & 1u) == 1u;
    }
    return countOneBits(number) % 2u == 1u;
}

// Both bits of the code in a frame, as a source shows them.
fn coded_bits(frame: u32, source: u32) -> vec2<bool> {
    let phase = frame % 128u;
    if phase < 96u {
        let word = phase / 32u;
        let bit = phase % 32u;
        let a = select(select(CODED_WALK_A.z, CODED_WALK_A.y, word == 1u), CODED_WALK_A.x, word == 0u);
        let b = select(select(CODED_WALK_B.z, CODED_WALK_B.y, word == 1u), CODED_WALK_B.x, word == 0u);
        return vec2<bool>(((a >> bit) & 1u) == 1u, ((b >> bit) & 1u) == 1u);
    }
    let bit = source_bit(source, (phase - 96u) / 4u);
    return vec2<bool>(bit, !bit);
}

// x: which bit of the code a point of the wall shows; y: 1 where it shows its opposite.
fn coded_cell(wall_px: vec2<f32>, wall_size_px: vec2<f32>) -> vec2<u32> {
    let side = max(max(wall_size_px.y / 8.0, wall_size_px.x / 64.0), 4.0);
    let cell = vec2<u32>(floor(max(wall_px, vec2<f32>(0.0)) / side));
    return vec2<u32>((cell.x + cell.y) % 2u, cell.y % 2u);
}

// The light of a wall pixel in a frame, 0 or 1.
fn coded_pattern(frame: u32, source: u32, wall_px: vec2<f32>, wall_size_px: vec2<f32>) -> f32 {
    let cell = coded_cell(wall_px, wall_size_px);
    let bits = coded_bits(frame, source);
    let lit = select(bits.x, bits.y, cell.x == 1u) != (cell.y == 1u);
    return select(0.0, 1.0, lit);
}
