//! What lights lit scenes: the file's own lights, or a plain sun and sky where it has none.

use crate::OfEnvironment;
use bevy::{light::GlobalAmbientLight, prelude::*};
use cyc_wall::convert::bevy_from_stage_f32;
use cyc_world::{Light, LightKind};

/// Lumens of a point light of one candela: the full sphere.
const LUMENS_PER_CANDELA: f32 = 4.0 * std::f32::consts::PI;

/// Puts the lights into the scene. Without any, a sun of 700 lx under which a white surface shows about 200 cd/m2, and
/// a sky of a fifth of that: enough to see a model by, far below the wall's peak.
pub fn spawn(commands: &mut Commands, lights: &[Light]) {
    if lights.is_empty() {
        let sun = DirectionalLight { illuminance: 700.0, ..Default::default() };
        let from_the_left = Transform::from_xyz(-2.0, 3.0, 2.0).looking_at(Vec3::ZERO, Vec3::Y);
        commands.spawn((OfEnvironment, sun, from_the_left));
    }
    let brightness = if lights.is_empty() { 40.0 } else { 0.0 };
    commands.insert_resource(GlobalAmbientLight { brightness, ..Default::default() });
    for light in lights {
        spawn_one(commands, light);
    }
}

fn spawn_one(commands: &mut Commands, light: &Light) {
    let [r, g, b] = light.color;
    let color = Color::linear_rgb(r, g, b);
    let place = Transform::from_translation(Vec3::from(bevy_from_stage_f32(light.position_m)));
    let towards = Dir3::new(Vec3::from(bevy_from_stage_f32(light.direction))).unwrap_or(Dir3::NEG_Y);
    let turned = place.looking_to(towards, Vec3::Y);
    let range = light.range_m.unwrap_or(1000.0);
    let intensity = light.intensity * LUMENS_PER_CANDELA;
    match light.kind {
        LightKind::Directional => {
            let sun = DirectionalLight { color, illuminance: light.intensity, ..Default::default() };
            commands.spawn((OfEnvironment, sun, turned));
        }
        LightKind::Point => {
            commands.spawn((OfEnvironment, PointLight { color, intensity, range, ..Default::default() }, place));
        }
        LightKind::Spot { inner_cone_rad, outer_cone_rad } => {
            let spot = SpotLight {
                color,
                intensity,
                range,
                inner_angle: inner_cone_rad,
                outer_angle: outer_cone_rad,
                ..Default::default()
            };
            commands.spawn((OfEnvironment, spot, turned));
        }
    }
}
