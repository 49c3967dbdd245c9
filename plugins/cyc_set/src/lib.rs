//! Environments in the scene.
//!
//! Map: [`lean`] (the unlit material), [`build`] (`cyc_world` values to Bevy assets), [`chunk`] (large meshes cut for
//! culling), [`lights`] (what lights lit scenes), and here the plugin that puts an [`EnvironmentToShow`] on the walls.
//!
//! Invariant: environments arrive as values; nothing here opens a file.

pub mod build;
pub mod chunk;
pub mod lean;
pub mod lights;

use bevy::{asset::embedded_asset, prelude::*};
use cyc_sync::FrameSet;
use cyc_wall::{backdrop::Backdrop, setup::WallSetup};
use cyc_world::{Environment, Scene};
use lean::LeanMaterial;
use std::sync::Arc;

/// The environment to show next; taken on the frame after it was set. The one before is removed in the same frame.
#[derive(Resource, Default)]
pub struct EnvironmentToShow(pub Option<Environment>);

/// Marks what belongs to the environment that is shown.
#[derive(Component)]
pub struct OfEnvironment;

/// Adds the lean material and the change of environments.
pub struct SetPlugin;

impl Plugin for SetPlugin {
    fn build(&self, app: &mut App) {
        embedded_asset!(app, "lean.wgsl");
        app.add_plugins(MaterialPlugin::<LeanMaterial>::default())
            .init_resource::<EnvironmentToShow>()
            .add_systems(Update, show.in_set(FrameSet::Simulate));
    }
}

/// Takes [`EnvironmentToShow`], if there is one.
fn show(
    mut commands: Commands,
    mut next: ResMut<EnvironmentToShow>,
    mut backdrop: ResMut<Backdrop>,
    mut assets: SceneAssets,
    old: Query<Entity, With<OfEnvironment>>,
) {
    if next.0.is_none() {
        return;
    }
    let Some(environment) = next.0.take() else { return };
    old.iter().for_each(|entity| commands.entity(entity).despawn());
    *backdrop = match environment {
        Environment::Panorama(panorama) => Backdrop::Panorama(Arc::new(build::panorama_levels(panorama))),
        Environment::Scene(scene) => spawn(&mut commands, &mut assets, &scene),
        Environment::LineUpRoom => spawn(&mut commands, &mut assets, &cyc_world::line_up_room()),
    };
}

/// The asset collections a scene needs, and what the renderer is.
#[derive(bevy::ecs::system::SystemParam)]
pub struct SceneAssets<'w> {
    meshes: ResMut<'w, Assets<Mesh>>,
    images: ResMut<'w, Assets<Image>>,
    lean: ResMut<'w, Assets<LeanMaterial>>,
    lit: ResMut<'w, Assets<StandardMaterial>>,
    setup: Res<'w, WallSetup>,
}

fn spawn(commands: &mut Commands, assets: &mut SceneAssets, scene: &Scene) -> Backdrop {
    let image = |texture| assets.images.add(build::image(texture, assets.setup.software));
    let images: Vec<_> = scene.textures.iter().map(image).collect();
    let mut any_lit = false;
    for mesh in scene.meshes.iter().flat_map(chunk::chunks) {
        let Some(material) = scene.materials.get(mesh.material) else { continue };
        let picture = material.base_color_texture.and_then(|index| images.get(index).cloned());
        let mut entity = commands.spawn((OfEnvironment, Mesh3d(assets.meshes.add(build::mesh(&mesh)))));
        if material.unlit {
            entity.insert(MeshMaterial3d(assets.lean.add(build::lean(material, picture))));
        } else {
            any_lit = true;
            entity.insert(MeshMaterial3d(assets.lit.add(build::lit(material, picture))));
        }
    }
    if any_lit {
        lights::spawn(commands, &scene.lights);
    }
    Backdrop::Scene
}
