// The wall pass: wall patches, drawn in output pixels, become light and then code values.
//
// A wall pixel shows the world along the ray from an eye through that pixel: inside a camera's inner frustum
// the eye is that camera's entrance pupil, outside it is the stage's eye point. How a camera is turned decides
// only which pixels are inside.
// Needs lib/color, lib/dither, lib/sphere, lib/frustum, lib/reproject, lib/digits, lib/coded.

struct Output {
    encode: WallEncode,
    eye_m: vec3<f32>,
    camera_count: u32,
    frame: u32,
    // Light of flat field and patterns, 1.0 = 100 cd/m2.
    level: f32,
    // Angle of one panorama texel in radians.
    texel_rad: f32,
    // 1 rounds code values to the signal's bits, dithered unless a pattern is shown; 0 leaves them continuous.
    quantised: u32,
    // The output's place in the stage file: who shows the coded pattern.
    source: u32,
    _pad_a: u32,
    _pad_b: u32,
    _pad_c: u32,
}

struct Camera {
    // Decides which wall pixels are inside.
    clip_from_stage: mat4x4<f32>,
    // The view that the inner picture was drawn with; the same unless the pose was renewed since.
    picture_from_stage: mat4x4<f32>,
    // The entrance pupil over the sensor's lines, as at_line takes it.
    pupil_path_m: mat3x3<f32>,
    // Rows of clip_from_stage over the sensor's lines, as exposed_line takes them.
    y_rows: mat3x4<f32>,
    w_rows: mat3x4<f32>,
    // Part of the picture array's layer that this camera's picture fills.
    uv_scale: vec2<f32>,
    soft_edge: f32,
    lines_per_ndc: f32,
    // 0 while nothing is known about the camera.
    live: u32,
    // Steps of the search where the picture is seen from another place than it was drawn from; else 0.
    search_steps: u32,
    // The same part in pixels.
    filled_px: vec2<f32>,
}

// Cameras of a stage, at most. In a uniform, since software rasterisers fetch storage pixel by pixel.
const MAX_CAMERAS: u32 = 16u;

struct Cameras {
    all: array<Camera, MAX_CAMERAS>,
}

const SHOW_PICTURE: u32 = 0u;
const SHOW_GRID: u32 = 1u;
const SHOW_BAR: u32 = 2u;
const SHOW_FLAT: u32 = 3u;
const SHOW_BLACK: u32 = 4u;
const SHOW_CODED: u32 = 5u;

const COVERAGE_MIXED: u32 = 0u;
const COVERAGE_OUTER: u32 = 1u;
const COVERAGE_INNER: u32 = 2u;

const NO_VIEW: u32 = 0xffffffffu;

// What is asked of the pass is known when its pipeline is made, not read per pixel: software rasterisers run every
// side of a branch, unless it is a loop.

// One of COVERAGE_*: how the inner frusta cover the patches that are drawn.
override coverage: u32 = 0u;
// One of SHOW_*.
override show: u32 = 0u;
// 1: the outline of the inner frusta is drawn over what is shown.
override outlined: u32 = 0u;
// 0: the environment is a panorama at infinity; 1: it was drawn into the picture arrays.
override pictures_drawn: u32 = 0u;
// 1: inner pictures are looked up from the newest pupil, by their depth.
override warped: u32 = 0u;
// 1: each pixel is drawn for the sensor line that sees it.
override exposure_true: u32 = 0u;
// 1: write linear ACEScg instead of code values.
override scene_linear: u32 = 0u;
// 1: the target stores half floats.
override half_target: u32 = 0u;
// The output's transfer, one of TRANSFER_*.
override transfer: u32 = 0u;

@group(0) @binding(0) var<uniform> output: Output;
@group(0) @binding(1) var<uniform> cameras: Cameras;
@group(0) @binding(2) var inner_pictures: texture_2d_array<f32>;
@group(0) @binding(3) var outer_pictures: texture_2d_array<f32>;
@group(0) @binding(4) var panorama: texture_2d<f32>;
@group(0) @binding(5) var picture_sampler: sampler;
@group(0) @binding(6) var panorama_sampler: sampler;
// Depth of the inner pictures, infinite reverse-Z; layers and pixels are those of inner_pictures.
@group(0) @binding(7) var inner_depths: texture_2d_array<f32>;
// Per camera the wall pixels whose surface its picture does not hold.
@group(0) @binding(8) var<storage, read_write> disoccluded: array<atomic<u32>, MAX_CAMERAS>;

struct Vertex {
    // Normalised device coordinates of the output's picture.
    @location(0) output_ndc: vec2<f32>,
    @location(1) wall_px: vec2<f32>,
    @location(2) stage_m: vec3<f32>,
    // Where the point lies in its outer picture: u w, v w, w; all three are affine over a patch.
    @location(3) outer_uvw: vec3<f32>,
    // Layer of that picture, or NO_VIEW.
    @location(4) view: u32,
    @location(5) panel_px: vec2<f32>,
    @location(6) wall_size_px: vec2<f32>,
}

struct Fragment {
    @builtin(position) output_px: vec4<f32>,
    @location(0) wall_px: vec2<f32>,
    @location(1) stage_m: vec3<f32>,
    @location(2) outer_uvw: vec3<f32>,
    @location(3) @interpolate(flat) view: u32,
    @location(4) @interpolate(flat) panel_px: vec2<f32>,
    @location(5) @interpolate(flat) wall_size_px: vec2<f32>,
}

@vertex
fn wall_vertex(v: Vertex) -> Fragment {
    let place = vec4(v.output_ndc, 0.0, 1.0);
    return Fragment(place, v.wall_px, v.stage_m, v.outer_uvw, v.view, v.panel_px, v.wall_size_px);
}

@fragment
fn wall_fragment(in: Fragment) -> @location(0) vec4<f32> {
    // Derivatives are taken first, in uniform control flow.
    let step_m = max(length(dpdx(in.stage_m)), length(dpdy(in.stage_m)));
    var light = vec3(0.0);
    var patterned = true;
    switch show {
        case SHOW_GRID: { light = output.level * grid(in.wall_px, in.panel_px, in.wall_size_px); }
        case SHOW_BAR: { light = output.level * bar(in.wall_px, in.wall_size_px); }
        case SHOW_FLAT: { light = vec3(output.level); }
        case SHOW_BLACK: { light = vec3(0.0); }
        case SHOW_CODED: {
            light = vec3(output.level * coded_pattern(output.frame, output.source, in.wall_px, in.wall_size_px));
        }
        default: { light = picture(in, step_m); patterned = false; }
    }
    if outlined != 0u {
        light = mix(light, output.level * vec3(0.05, 1.0, 0.05), outline(in.stage_m, step_m));
    }
    if scene_linear != 0u {
        return vec4(half_rounded(light), 1.0);
    }
    var encode = output.encode;
    encode.transfer = transfer;
    let code = stored(code_from_acescg(encode, light), vec2<u32>(in.output_px.xy), patterned);
    return vec4(half_rounded(code), 1.0);
}

// The nearest half floats, ties to even, where the target stores such: some rasterisers cut the digits off instead,
// and a 10-bit code has only half a step to spare.
fn half_rounded(x: vec3<f32>) -> vec3<f32> {
    if half_target == 0u {
        return x;
    }
    let bits = bitcast<vec3<u32>>(x);
    let up = vec3(0xfffu) + ((bits >> vec3(13u)) & vec3(1u));
    return bitcast<vec3<f32>>((bits + up) & vec3(0xffffe000u));
}

// Code values on the signal's grid.
fn stored(code: vec3<f32>, px: vec2<u32>, patterned: bool) -> vec3<f32> {
    if output.quantised == 0u {
        return code;
    }
    let amount = select(output.encode.dither_scale, 0.0, patterned);
    return quantised_code(code, output.encode.bits, amount * dither_rgb(px, output.frame));
}

// ACEScg from linear Rec.709 light, Bradford; a test compares it with cyc_color's.
const ACESCG_FROM_REC709: mat3x3<f32> = mat3x3<f32>(
    vec3(0.613097402401, 0.07019372247, 0.020615592882),
    vec3(0.339523146184, 0.916353879057, 0.109569772938),
    vec3(0.047379451415, 0.013452398473, 0.86981463418),
);

fn acescg_from_rec709(linear: vec3<f32>) -> vec3<f32> {
    return ACESCG_FROM_REC709 * linear;
}

// The world along the rays through a wall point, linear ACEScg: each camera's inner frustum in priority order, the
// outer one where none covers the point.
fn picture(in: Fragment, step_m: f32) -> vec3<f32> {
    var blend = Blend(vec3(0.0), vec3(0.0), 0.0);
    var open = 1.0;
    let camera_count = select(output.camera_count, 0u, coverage == COVERAGE_OUTER);
    for (var i = 0u; i < camera_count; i++) {
        let clip = cameras.all[i].clip_from_stage * vec4(in.stage_m, 1.0);
        let weight = open * inner_weight(clip.xy / clip.w, cameras.all[i].soft_edge);
        if cameras.all[i].live != 0u && clip.w > 0.0 && weight > 0.0 {
            open -= weight;
            if pictures_drawn == 0u {
                blend = with_ray(blend, weight, in.stage_m - pupil(i, in.stage_m));
            } else if warped != 0u && cameras.all[i].search_steps > 0u {
                blend.light += weight * inner_from(i, in.stage_m, pupil(i, in.stage_m));
            } else {
                blend.light += weight * inner(i, in.stage_m);
            }
        }
    }
    if pictures_drawn == 0u {
        return panorama_along(with_ray(blend, open, in.stage_m - output.eye_m), step_m);
    }
    if coverage == COVERAGE_INNER {
        return blend.light;
    }
    return blend.light + open * outer(in);
}

// What the frusta that cover a point contribute.
struct Blend {
    // Light so far, of drawn pictures.
    light: vec3<f32>,
    // Weighted unit rays so far, of a panorama: at a soft edge the picture bends from one eye's view into the
    // other's instead of showing both, and is looked up once.
    ray: vec3<f32>,
    // Weighted 1 / distance so far, per metre.
    nearness: f32,
}

fn with_ray(blend: Blend, weight: f32, ray: vec3<f32>) -> Blend {
    let nearness = weight * inverseSqrt(max(dot(ray, ray), 1e-12));
    return Blend(blend.light, blend.ray + nearness * ray, blend.nearness + nearness);
}

// A panorama at infinity has no parallax: only the direction counts. The mip level keeps one wall pixel to about
// one texel.
fn panorama_along(blend: Blend, step_m: f32) -> vec3<f32> {
    let lod = log2_poly(max(step_m * blend.nearness / output.texel_rad, 1.0));
    return textureSampleLevel(panorama, panorama_sampler, uv_from_direction(blend.ray), lod).rgb;
}

// Where a camera's entrance pupil is when it sees a wall point.
fn pupil(camera: u32, stage_m: vec3<f32>) -> vec3<f32> {
    let path = cameras.all[camera].pupil_path_m;
    if exposure_true == 0u || cameras.all[camera].lines_per_ndc == 0.0 {
        return path[0];
    }
    let lines_per_ndc = cameras.all[camera].lines_per_ndc;
    return at_line(path, exposed_line(stage_m, cameras.all[camera].y_rows, cameras.all[camera].w_rows, lines_per_ndc));
}

// Surfaces nearer to the camera than this, in metres, are not searched for.
const NEAREST_M: f32 = 0.5;

// The inner picture as seen from another pupil than it was drawn from: the ray through the wall point is followed from
// near to far until it meets a surface of the picture.
fn inner_from(camera: u32, stage_m: vec3<f32>, pupil_m: vec3<f32>) -> vec3<f32> {
    let picture_from_stage = cameras.all[camera].picture_from_stage;
    let far = picture_from_stage * vec4(stage_m - pupil_m, 0.0);
    let eye = picture_from_stage * vec4(pupil_m, 1.0);
    if far.w <= 1e-6 {
        return inner(camera, stage_m);
    }
    let nearest = ray_nearness(far, eye, NEAR_M / NEAREST_M);
    let steps = min(cameras.all[camera].search_steps, MOST_STEPS);
    var front = nearest;
    var is_front = ray_depth(far, eye, nearest) > surface_depth(camera, ray_ndc(far, eye, nearest));
    // Where the ray first goes behind something: what lies beside that edge is the best guess at what it hides.
    var hidden = -1.0;
    for (var i = 1u; i <= steps; i++) {
        let here = nearest * (1.0 - f32(i) / f32(steps));
        let was_front = is_front;
        is_front = ray_depth(far, eye, here) > surface_depth(camera, ray_ndc(far, eye, here));
        if was_front && !is_front {
            let met = meeting(camera, far, eye, front, here);
            if met.y > 0.0 {
                return picture_light(camera, ray_ndc(far, eye, met.x));
            }
            hidden = select(hidden, met.x, hidden < 0.0);
        }
        front = here;
    }
    atomicAdd(&disoccluded[camera], 1u);
    return picture_light(camera, ray_ndc(far, eye, max(hidden, 0.0)));
}

const MOST_STEPS: u32 = 16u;

// Halves the stretch in which a ray goes behind a surface. x: how near they meet; y: 1, or 0 where the ray passes behind
// an edge without meeting anything, and x is then just in front of it.
fn meeting(camera: u32, far: vec4<f32>, eye: vec4<f32>, front: f32, behind: f32) -> vec2<f32> {
    var a = front;
    var b = behind;
    for (var i = 0u; i < 4u; i++) {
        let middle = 0.5 * (a + b);
        let in_front = ray_depth(far, eye, middle) > surface_depth(camera, ray_ndc(far, eye, middle));
        a = select(a, middle, in_front);
        b = select(middle, b, in_front);
    }
    let surface = ray_nearness(far, eye, surface_depth(camera, ray_ndc(far, eye, b)));
    return select(vec2(a, 0.0), vec2(surface, 1.0), is_met(a, surface));
}

fn surface_depth(camera: u32, ndc: vec2<f32>) -> f32 {
    let px = uv_from_ndc(ndc) * cameras.all[camera].filled_px;
    let texel = clamp(px, vec2(0.0), cameras.all[camera].filled_px - 1.0);
    return textureLoad(inner_depths, vec2<i32>(texel), i32(camera), 0).r;
}

// The inner picture of a camera, as it was drawn.
fn inner(camera: u32, stage_m: vec3<f32>) -> vec3<f32> {
    let clip = cameras.all[camera].picture_from_stage * vec4(stage_m, 1.0);
    return picture_light(camera, clip.xy / max(clip.w, 1e-6));
}

fn picture_light(camera: u32, ndc: vec2<f32>) -> vec3<f32> {
    let uv = picture_uv(ndc, cameras.all[camera].uv_scale, textureDimensions(inner_pictures));
    return acescg_from_rec709(textureSampleLevel(inner_pictures, picture_sampler, uv, camera, 0.0).rgb);
}

// The outer picture that a patch looks at; black on a patch that no picture can show.
fn outer(in: Fragment) -> vec3<f32> {
    let uv = in.outer_uvw.xy / in.outer_uvw.z;
    let light = textureSampleLevel(outer_pictures, picture_sampler, uv, min(in.view, 0xffffu), 0.0).rgb;
    return select(acescg_from_rec709(light), vec3(0.0), in.view == NO_VIEW);
}

// Clip coordinates to texture coordinates of the filled part of a layer, kept half a texel inside it.
fn picture_uv(ndc: vec2<f32>, uv_scale: vec2<f32>, layer_px: vec2<u32>) -> vec2<f32> {
    let half_texel = 0.5 / vec2<f32>(layer_px);
    let uv = (vec2(0.5) + ndc * vec2(0.5, -0.5)) * uv_scale;
    return clamp(uv, half_texel, uv_scale - half_texel);
}

// 1 on the edge of a live camera's inner frustum and on its centre cross.
fn outline(stage_m: vec3<f32>, step_m: f32) -> f32 {
    var covered = 0.0;
    for (var i = 0u; i < output.camera_count; i++) {
        let clip = cameras.all[i].clip_from_stage * vec4(stage_m, 1.0);
        if cameras.all[i].live == 0u || clip.w <= 0.0 {
            continue;
        }
        let ndc = clip.xy / clip.w;
        // A wall pixel and a half in ndc, each way: the camera may be rolled, and its picture is not square.
        let columns = cameras.all[i].clip_from_stage;
        let right = vec3(columns[0].x, columns[1].x, columns[2].x);
        let up = vec3(columns[0].y, columns[1].y, columns[2].y);
        let line = 1.5 * step_m * vec2(length(right), length(up)) / clip.w;
        let out = abs(ndc) - 1.0;
        let edge = all(out < line) && any(abs(out) < line);
        let cross = any(abs(ndc) < 0.7 * line) && max(abs(ndc.x), abs(ndc.y)) < 0.08;
        covered = max(covered, select(0.0, 1.0, edge || cross));
    }
    return covered;
}

// Panels as a checker with one-pixel borders, each with its row-major number; the wall's centre lines brighter.
fn grid(wall_px: vec2<f32>, panel_px: vec2<f32>, wall_size_px: vec2<f32>) -> vec3<f32> {
    let panel = floor(wall_px / panel_px);
    let inside = wall_px - panel * panel_px;
    let columns = u32(ceil(wall_size_px.x / panel_px.x));
    let number = u32(panel.y) * columns + u32(panel.x);
    let odd = (u32(panel.x) + u32(panel.y)) % 2u;
    var light = select(vec3(0.02, 0.03, 0.06), vec3(0.05, 0.06, 0.09), odd == 1u);
    if digits(inside, panel_px, number) {
        light = vec3(0.6);
    }
    if any(inside < vec2(1.0)) || any(inside >= panel_px - 1.0) {
        light = vec3(0.35);
    }
    if any(abs(wall_px - 0.5 * wall_size_px) < vec2(1.0)) {
        light = vec3(0.6, 0.3, 0.05);
    }
    if any(wall_px < vec2(1.0)) || any(wall_px >= wall_size_px - 1.0) {
        light = vec3(1.0);
    }
    return light;
}

// A vertical bar that moves four wall pixels a frame over a dim field, and a horizontal one that moves one.
fn bar(wall_px: vec2<f32>, wall_size_px: vec2<f32>) -> vec3<f32> {
    let at = vec2(f32((4u * output.frame) % u32(wall_size_px.x)), f32(output.frame % u32(wall_size_px.y)));
    let since = wall_px - at;
    if since.x >= 0.0 && since.x < 8.0 {
        return vec3(1.0);
    }
    if since.y >= 0.0 && since.y < 2.0 {
        return vec3(0.4);
    }
    return vec3(0.02);
}
