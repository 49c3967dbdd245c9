//! `cyc_world` values to Bevy assets.

use crate::lean::{LeanMaterial, LeanNumbers};
use bevy::{
    asset::RenderAssetUsages,
    image::{ImageAddressMode, ImageFilterMode, ImageSampler, ImageSamplerDescriptor},
    mesh::{Indices, PrimitiveTopology},
    prelude::*,
    render::render_resource::{Extent3d, TextureDimension, TextureFormat},
};
use cyc_wall::{backdrop::PanoramaLevels, convert::bevy_from_stage_f32};
use cyc_world::{Panorama, Texture, Wrap};

/// A panorama with its mip levels, as the wall pass wants it.
pub fn panorama_levels(panorama: Panorama) -> PanoramaLevels {
    let smaller = panorama.mips().into_iter().map(|level| level.acescg);
    let (width, height) = (panorama.width, panorama.height);
    PanoramaLevels { width, height, levels: std::iter::once(panorama.acescg).chain(smaller).collect() }
}

/// A mesh in Bevy's axes.
pub fn mesh(mesh: &cyc_world::Mesh) -> Mesh {
    let turned = |points: &[[f32; 3]]| points.iter().map(|p| bevy_from_stage_f32(*p)).collect::<Vec<_>>();
    let mut built = Mesh::new(PrimitiveTopology::TriangleList, RenderAssetUsages::RENDER_WORLD);
    built.insert_attribute(Mesh::ATTRIBUTE_POSITION, turned(&mesh.positions_m));
    built.insert_attribute(Mesh::ATTRIBUTE_NORMAL, turned(&mesh.normals));
    if !mesh.uvs.is_empty() {
        built.insert_attribute(Mesh::ATTRIBUTE_UV_0, mesh.uvs.clone());
    }
    if !mesh.colors.is_empty() {
        built.insert_attribute(Mesh::ATTRIBUTE_COLOR, mesh.colors.clone());
    }
    built.insert_indices(Indices::U32(mesh.indices.clone()));
    built
}

/// A texture with its mip levels. Filtered with up to 16 taps along the longer side of a pixel's footprint, or, where
/// rendering is on the CPU and each tap costs as much as the first, with one in the nearest level.
pub fn image(texture: &Texture, software: bool) -> Image {
    let smaller = texture.mips();
    let size = Extent3d { width: texture.width, height: texture.height, depth_or_array_layers: 1 };
    let data = texture.rgba8_srgb.iter().chain(smaller.iter().flat_map(|level| &level.rgba8_srgb)).copied().collect();
    let mut image =
        Image::new_uninit(size, TextureDimension::D2, TextureFormat::Rgba8UnormSrgb, RenderAssetUsages::RENDER_WORLD);
    image.texture_descriptor.mip_level_count = 1 + smaller.len() as u32;
    image.data = Some(data);
    let [address_mode_u, address_mode_v] = texture.wrap.map(address_mode);
    image.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
        address_mode_u,
        address_mode_v,
        mag_filter: ImageFilterMode::Linear,
        min_filter: ImageFilterMode::Linear,
        mipmap_filter: if software { ImageFilterMode::Nearest } else { ImageFilterMode::Linear },
        anisotropy_clamp: if software { 1 } else { 16 },
        ..Default::default()
    });
    image
}

fn address_mode(wrap: Wrap) -> ImageAddressMode {
    match wrap {
        Wrap::Repeat => ImageAddressMode::Repeat,
        Wrap::Mirror => ImageAddressMode::MirrorRepeat,
        Wrap::Clamp => ImageAddressMode::ClampToEdge,
    }
}

fn alpha(mode: cyc_world::AlphaMode) -> AlphaMode {
    match mode {
        cyc_world::AlphaMode::Opaque => AlphaMode::Opaque,
        cyc_world::AlphaMode::Mask(cutoff) => AlphaMode::Mask(cutoff),
        cyc_world::AlphaMode::Blend => AlphaMode::Blend,
    }
}

/// An unlit material.
pub fn lean(material: &cyc_world::Material, picture: Option<Handle<Image>>) -> LeanMaterial {
    let alpha_mode = alpha(material.alpha_mode);
    let alpha_cutoff = if let AlphaMode::Mask(cutoff) = alpha_mode { cutoff } else { 0.0 };
    LeanMaterial {
        numbers: LeanNumbers { color: material.base_color.into(), alpha_cutoff },
        picture,
        alpha_mode,
        double_sided: material.double_sided,
    }
}

/// A lit material, metallic and rough as glTF says.
pub fn lit(material: &cyc_world::Material, picture: Option<Handle<Image>>) -> StandardMaterial {
    let [r, g, b, a] = material.base_color;
    let [er, eg, eb] = material.emissive;
    StandardMaterial {
        base_color: Color::linear_rgba(r, g, b, a),
        base_color_texture: picture,
        metallic: material.metallic,
        perceptual_roughness: material.roughness,
        // Bevy leaves emission alone (`emissive_exposure_weight` is 0): it is in the picture's unit, 100 cd/m2.
        emissive: LinearRgba::rgb(er, eg, eb),
        alpha_mode: alpha(material.alpha_mode),
        double_sided: material.double_sided,
        cull_mode: if material.double_sided { None } else { Some(bevy::render::render_resource::Face::Back) },
        ..Default::default()
    }
}
