// Panel numbers for the line-up grid: a 3 x 5 pixel face, drawn by arithmetic.

// Rows of three bits from the top left, most significant first.
const DIGITS: array<u32, 10> = array<u32, 10>(
    0x7b6fu, 0x2c97u, 0x73e7u, 0x73cfu, 0x5bc9u, 0x79cfu, 0x79efu, 0x7249u, 0x7befu, 0x7bcfu,
);

// Whether a pixel of a panel belongs to its number, written centred in the middle third of the panel.
fn digits(px: vec2<f32>, panel_px: vec2<f32>, number: u32) -> bool {
    var count = 1u;
    for (var n = number / 10u; n > 0u; n /= 10u) {
        count += 1u;
    }
    let dot = max(floor(min(panel_px.x / f32(4u * count + 2u), panel_px.y / 11.0)), 1.0);
    let size = vec2(f32(4u * count - 1u), 5.0) * dot;
    let at = px - floor(0.5 * (panel_px - size));
    if any(at < vec2(0.0)) || any(at >= size) {
        return false;
    }
    let cell = vec2<u32>(at / dot);
    if cell.x % 4u == 3u {
        return false;
    }
    var digit = number;
    for (var skip = count - 1u - cell.x / 4u; skip > 0u; skip -= 1u) {
        digit /= 10u;
    }
    var faces = DIGITS;
    return (faces[digit % 10u] >> (14u - (cell.y * 3u + cell.x % 4u))) % 2u == 1u;
}
