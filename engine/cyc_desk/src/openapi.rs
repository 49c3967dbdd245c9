//! The API described for programs (OpenAPI 3.1).

use serde_json::{Value, json};

/// The document at `/api/v1/openapi.json`.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Cyclorama desk",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the stage does, as it does it. On loopback only; no tokens yet.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "paths": paths(),
        "components": { "schemas": schemas() }
    })
}

fn paths() -> Value {
    json!({
        "/api/v1/health": { "get": {
            "operationId": "health", "summary": "Is the stage all right",
            "responses": { "200": reply("The figures of the health band", "Health"), "default": problem() }
        }},
        "/api/v1/stage": { "get": {
            "operationId": "stage", "summary": "The stage, resolved",
            "responses": {
                "200": { "description": "The stage as it was loaded", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": problem()
            }
        }},
        "/api/v1/report": { "get": {
            "operationId": "report", "summary": "The newest frame's report",
            "responses": { "200": reply("As a line of the report file", "FrameReport"), "404": problem(), "default": problem() }
        }},
        "/api/v1/walls/{wall}/frame.png": { "get": {
            "operationId": "wallFrame", "summary": "A wall as it is now",
            "parameters": [
                { "name": "wall", "in": "path", "required": true, "schema": { "type": "string" }, "description": "Stage-file id of the wall" },
                { "name": "width", "in": "query", "required": false, "schema": { "type": "integer", "minimum": 1 },
                  "description": "Shrink to at most this many pixels, by a whole factor" }
            ],
            "responses": {
                "200": {
                    "description": "8-bit sRGB",
                    "headers": { "X-Cyclorama-Frame": { "description": "The frame it shows", "schema": { "type": "integer" } } },
                    "content": { "image/png": {} }
                },
                "400": problem(), "404": problem(), "503": problem(), "default": problem()
            }
        }},
        "/api/v1/openapi.json": { "get": {
            "operationId": "openapi", "summary": "This document",
            "responses": { "200": { "description": "OpenAPI 3.1", "content": { "application/json": { "schema": { "type": "object" } } } } }
        }}
    })
}

fn reply(description: &str, schema: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn problem() -> Value {
    json!({
        "description": "What went wrong (RFC 9457)",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

fn schemas() -> Value {
    let number = json!({ "type": ["number", "null"] });
    json!({
        "Health": {
            "type": "object",
            "required": ["state", "reasons", "missed_last_minute", "bad_last_ten_seconds", "cameras"],
            "properties": {
                "state": { "enum": ["ok", "degraded", "down"] },
                "reasons": { "type": "array", "items": { "type": "string" } },
                "frame": { "type": ["integer", "null"] },
                "timecode": { "type": ["string", "null"] },
                "fps": number, "picture_age_ms": number, "margin_ms": number,
                "pose_age_ms": number, "receive_to_use_ms": number,
                "missed_last_minute": { "type": "integer" },
                "bad_last_ten_seconds": { "type": "integer" },
                "cameras": { "type": "object", "additionalProperties": { "enum": ["measured", "predicted", "held", "lost"] } }
            }
        },
        "FrameReport": {
            "type": "object",
            "description": "All _ns are stage time or durations in nanoseconds.",
            "required": ["frame", "timecode", "tick_ns", "presented_ns", "missed", "cameras", "feeds", "stages_ns"]
        },
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": { "type": "string", "format": "uri" }, "title": { "type": "string" },
                "status": { "type": "integer" }, "detail": { "type": "string" }
            }
        }
    })
}
