// Where wall points lie in a view, and how much of the inner picture shows there.
// Rust twin: engine/cyc_frame/src/frustum.rs.

// Distance of every view's near plane in metres; infinite reverse-Z: depth = NEAR_M / distance.
const NEAR_M: f32 = 0.1;

// Where a stage point (metres) lies in a view: x and y in ndc (right, up), z the distance along the view's axis in
// metres. Behind the eye, x and y are 2: outside every picture.
fn view_ndc(clip_from_stage: mat4x4<f32>, point_m: vec3<f32>) -> vec3<f32> {
    let clip = clip_from_stage * vec4<f32>(point_m, 1.0);
    if clip.w > 0.0 {
        return vec3<f32>(clip.xy / clip.w, clip.w);
    }
    return vec3<f32>(2.0, 2.0, clip.w);
}

// Picture coordinates, (0,0) top left, of an ndc position.
fn uv_from_ndc(ndc: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(0.5 + 0.5 * ndc.x, 0.5 - 0.5 * ndc.y);
}

// Ndc (x right, y up) of picture coordinates, (0,0) top left.
fn ndc_from_uv(uv: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(2.0 * uv.x - 1.0, 1.0 - 2.0 * uv.y);
}

// Distance along a view's axis in metres of a depth buffer value; 1e30 for the far plane.
fn distance_m_from_depth(depth: f32) -> f32 {
    if depth > 1e-30 {
        return NEAR_M / depth;
    }
    return 1e30;
}

// How much of the inner picture shows at a position of the inner view: ndc is 1 at the overscan's edge, soft_edge a
// fraction of the overscan. 1 where max(|x|, |y|) <= 1 - soft_edge, 0 from 1 outwards, a smooth cubic ramp between.
fn inner_weight(ndc: vec2<f32>, soft_edge: f32) -> f32 {
    let inset = 1.0 - max(abs(ndc.x), abs(ndc.y));
    if !(abs(ndc.x) < 1.0 && abs(ndc.y) < 1.0) {
        return 0.0;
    }
    if inset >= soft_edge {
        return 1.0;
    }
    let t = inset / soft_edge;
    return t * t * (3.0 - 2.0 * t);
}
