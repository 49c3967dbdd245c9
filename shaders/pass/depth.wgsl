// Brings the depth of a drawn picture into the array that the wall pass reads: a triangle over the picture, a texel for a
// texel. Of several samples the first is taken: a mean of two surfaces' depths would be no surface's.

@group(0) @binding(0) var plain: texture_depth_2d;
@group(0) @binding(1) var sampled: texture_depth_multisampled_2d;

@vertex
fn depth_vertex(@builtin(vertex_index) corner: u32) -> @builtin(position) vec4<f32> {
    let place = vec2(f32((corner << 1u) & 2u), f32(corner & 2u));
    return vec4(2.0 * place - 1.0, 0.0, 1.0);
}

@fragment
fn plain_fragment(@builtin(position) px: vec4<f32>) -> @location(0) vec4<f32> {
    return vec4(textureLoad(plain, vec2<i32>(px.xy), 0), 0.0, 0.0, 1.0);
}

@fragment
fn sampled_fragment(@builtin(position) px: vec4<f32>) -> @location(0) vec4<f32> {
    return vec4(textureLoad(sampled, vec2<i32>(px.xy), 0), 0.0, 0.0, 1.0);
}
