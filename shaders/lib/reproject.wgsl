// Pictures seen from another eye than they were drawn from, and sensor lines that expose one after the other.
// Rust twin: engine/cyc_frame/src/reproject.rs. Needs lib/frustum.

// A ray from an eye through a point, in the clip space of a picture: its points are `far + nearness * eye`, where `far`
// is the clip position of the ray's direction, `eye` that of its origin and nearness 1 / (distance / |direction|).

// Where a point of a ray lies in the picture, ndc.
fn ray_ndc(far: vec4<f32>, eye: vec4<f32>, nearness: f32) -> vec2<f32> {
    return (far.xy + nearness * eye.xy) / (far.w + nearness * eye.w);
}

// What the depth buffer would hold if a surface were there.
fn ray_depth(far: vec4<f32>, eye: vec4<f32>, nearness: f32) -> f32 {
    return NEAR_M * nearness / (far.w + nearness * eye.w);
}

// How near on a ray the depth buffer's value is reached: the inverse of ray_depth.
fn ray_nearness(far: vec4<f32>, eye: vec4<f32>, depth: f32) -> f32 {
    return depth * far.w / max(NEAR_M - depth * eye.w, 1e-9);
}

// Whether a ray that was in front of everything at nearness `front`, and just behind a surface at nearness `surface` then,
// met it, and did not pass behind its edge: the surface lies no nearer than the front. A tenth is left for slopes within
// a texel; so small a step moves a picture by less than a tenth of its parallax.
fn is_met(front: f32, surface: f32) -> bool {
    return surface <= 1.1 * front + 1e-6;
}

// Which sensor line sees a stage point (metres): -1 the first line to expose, 0 the middle, 1 the last; up to 1.25 beyond
// the sensor. The columns of y_rows and w_rows are the y and w rows of clip_from_stage, constant, linear and quadratic in
// the line; lines_per_ndc is the overscan, negative where the first line is at the top.
fn exposed_line(point_m: vec3<f32>, y_rows: mat3x4<f32>, w_rows: mat3x4<f32>, lines_per_ndc: f32) -> f32 {
    let point = vec4<f32>(point_m, 1.0);
    let y = point * y_rows;
    let w = point * w_rows;
    var line = 0.0;
    for (var i = 0u; i < 4u; i++) {
        let at = vec3<f32>(1.0, line, line * line);
        line = clamp(lines_per_ndc * dot(y, at) / max(dot(w, at), 1e-6), -1.25, 1.25);
    }
    return line;
}

// A point on the path through its places at the lines -1, 0 and 1, whose columns are constant, linear and quadratic.
fn at_line(path: mat3x3<f32>, line: f32) -> vec3<f32> {
    return path * vec3<f32>(1.0, line, line * line);
}
