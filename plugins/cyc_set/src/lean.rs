//! The lean material: unlit, few instructions; what worlds with baked light are made of.

use bevy::{
    mesh::MeshVertexBufferLayoutRef,
    pbr::{MaterialPipeline, MaterialPipelineKey},
    prelude::*,
    render::render_resource::{AsBindGroup, RenderPipelineDescriptor, ShaderType, SpecializedMeshPipelineError},
    shader::ShaderRef,
};

/// Numbers of the lean material, as `lean.wgsl` declares them.
#[derive(Debug, Clone, Copy, PartialEq, ShaderType)]
pub struct LeanNumbers {
    /// Linear Rec.709 and alpha; 1.0 = 100 cd/m2.
    pub color: Vec4,
    /// Pixels with less alpha are left out.
    pub alpha_cutoff: f32,
}

/// An unlit surface: base colour times vertex colour times texture is its light.
#[derive(Asset, TypePath, AsBindGroup, Debug, Clone)]
#[bind_group_data(LeanKey)]
pub struct LeanMaterial {
    /// Colour and cutoff.
    #[uniform(0)]
    pub numbers: LeanNumbers,
    /// Multiplied with the colour; white where absent.
    #[texture(1)]
    #[sampler(2)]
    pub picture: Option<Handle<Image>>,
    /// How alpha is used.
    pub alpha_mode: AlphaMode,
    /// Both sides are drawn.
    pub double_sided: bool,
}

/// What makes two lean materials need different pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct LeanKey {
    double_sided: bool,
}

impl From<&LeanMaterial> for LeanKey {
    fn from(material: &LeanMaterial) -> Self {
        Self { double_sided: material.double_sided }
    }
}

impl Material for LeanMaterial {
    fn fragment_shader() -> ShaderRef {
        "embedded://cyc_set/lean.wgsl".into()
    }

    fn alpha_mode(&self) -> AlphaMode {
        self.alpha_mode
    }

    fn enable_prepass() -> bool {
        false
    }

    fn enable_shadows() -> bool {
        false
    }

    fn specialize(
        _: &MaterialPipeline,
        descriptor: &mut RenderPipelineDescriptor,
        _: &MeshVertexBufferLayoutRef,
        key: MaterialPipelineKey<Self>,
    ) -> Result<(), SpecializedMeshPipelineError> {
        if key.bind_group_data.double_sided {
            descriptor.primitive.cull_mode = None;
        }
        Ok(())
    }
}
