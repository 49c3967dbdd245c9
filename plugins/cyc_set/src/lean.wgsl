// The lean material: its own light, nothing else. No lamp, shadow or probe is looked up, so that a world whose light
// is baked into its vertices costs little more than its pixels.
// Unlike the wall pass this file goes through Bevy's shader imports, because it stands on Bevy's mesh pipeline.

#import bevy_pbr::forward_io::VertexOutput

struct Lean {
    // Linear Rec.709 and alpha; 1.0 = 100 cd/m2.
    color: vec4<f32>,
    // Pixels with less alpha are left out.
    alpha_cutoff: f32,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(0) var<uniform> lean: Lean;
@group(#{MATERIAL_BIND_GROUP}) @binding(1) var picture: texture_2d<f32>;
@group(#{MATERIAL_BIND_GROUP}) @binding(2) var picture_sampler: sampler;

@fragment
fn fragment(mesh: VertexOutput) -> @location(0) vec4<f32> {
    var color = lean.color;
#ifdef VERTEX_COLORS
    color *= mesh.color;
#endif
#ifdef VERTEX_UVS_A
    color *= textureSample(picture, picture_sampler, mesh.uv);
#endif
    if color.a < lean.alpha_cutoff {
        discard;
    }
    return color;
}
