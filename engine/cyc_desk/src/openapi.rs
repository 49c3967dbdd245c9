//! The API described for programs (OpenAPI 3.1).

use serde_json::{Value, json};

/// The document at `/api/v1/openapi.json`.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Cyclorama desk",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the stage does, as it does it, and what it is to do. On loopback only; no tokens yet.",
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
        "/api/v1/sync": { "get": {
            "operationId": "sync", "summary": "How the stage keeps time: beat, labels, feeds",
            "responses": { "200": reply("As the host last said", "Sync"), "404": problem(), "default": problem() }
        }},
        "/api/v1/events": { "get": {
            "operationId": "events", "summary": "What happened",
            "parameters": [since(), limit("1000 events unless it says otherwise")],
            "responses": {
                "200": {
                    "description": "Oldest first; as JSON lines where those are asked for (Accept: application/jsonl)",
                    "content": {
                        "application/json": { "schema": { "$ref": "#/components/schemas/Events" } },
                        "application/jsonl": { "schema": { "$ref": "#/components/schemas/Event" } }
                    }
                },
                "400": problem(), "default": problem()
            }
        }},
        "/api/v1/events.jsonl": { "get": {
            "operationId": "exportEvents", "summary": "What happened, as a file of JSON lines",
            "parameters": [since(), limit("all that are kept unless it says otherwise")],
            "responses": {
                "200": { "description": "One event a line, oldest first", "content": { "application/jsonl": { "schema": { "$ref": "#/components/schemas/Event" } } } },
                "400": problem(), "default": problem()
            }
        }},
        "/api/v1/commands": {
            "get": {
                "operationId": "wallState", "summary": "What was done to the wall, and what can be named",
                "responses": { "200": reply("The wall, and names", "WallState"), "default": problem() }
            },
            "post": {
                "operationId": "command", "summary": "Something is to happen, at once or on a stated frame",
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Command" } } } },
                "responses": {
                    "200": reply("It happened", "CommandAnswer"), "202": reply("It waits for its frame", "CommandAnswer"),
                    "400": problem(), "409": problem(), "413": problem(), "415": problem(), "422": problem(), "503": problem(),
                    "default": problem()
                }
            }
        },
        "/api/v1/openapi.json": { "get": {
            "operationId": "openapi", "summary": "This document",
            "responses": { "200": { "description": "OpenAPI 3.1", "content": { "application/json": { "schema": { "type": "object" } } } } }
        }}
    })
}

fn since() -> Value {
    json!({ "name": "since", "in": "query", "required": false, "schema": { "type": "integer", "minimum": 0 },
        "description": "Only events after this number; without, the newest. A number from before a restart gives all." })
}

fn limit(unless: &str) -> Value {
    json!({ "name": "limit", "in": "query", "required": false, "schema": { "type": "integer", "minimum": 0 },
        "description": format!("At most so many; {unless}") })
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
    let text = json!({ "type": ["string", "null"] });
    let states = json!({ "enum": ["free", "acquiring", "locked", "holdover"] });
    let mut schemas = command_schemas();
    let more = json!({
        "Health": {
            "type": "object",
            "required": ["state", "reasons", "missed_last_minute", "bad_last_ten_seconds", "cameras", "degradation_level",
                "over_budget", "rolling", "critical"],
            "properties": {
                "state": { "enum": ["ok", "degraded", "down"] },
                "reasons": { "type": "array", "items": { "type": "string" } },
                "frame": { "type": ["integer", "null"] },
                "timecode": { "type": ["string", "null"] },
                "fps": number, "picture_age_ms": number, "margin_ms": number,
                "pose_age_ms": number, "receive_to_use_ms": number,
                "missed_last_minute": { "type": "integer" },
                "bad_last_ten_seconds": { "type": "integer" },
                "cameras": { "type": "object", "additionalProperties": { "enum": ["measured", "predicted", "held", "lost"] } },
                "genlock": { "enum": ["free", "acquiring", "locked", "holdover", null] },
                "genlock_source": text, "uncertainty_ms": number,
                "degradation_level": { "type": "integer", "description": "Steps of quality given up to keep the beat" },
                "over_budget": { "type": "array", "items": { "type": "string" } },
                "rolling": { "type": "boolean", "description": "A camera records" },
                "critical": { "type": "boolean", "description": "A camera records and something endangers its picture" }
            }
        },
        "Sync": {
            "type": "object",
            "description": "Durations in nanoseconds.",
            "required": ["genlock", "timecode", "feeds"],
            "properties": {
                "genlock": {
                    "type": "object",
                    "required": ["source", "configured", "state", "uncertainty_ns", "rate"],
                    "properties": {
                        "source": { "type": "string" }, "configured": { "type": "boolean" }, "state": states,
                        "uncertainty_ns": { "type": "integer" }, "rate": { "type": "string" },
                        "measured_hz": number, "measured_ppm": number, "residual_ns": number, "trouble": text
                    }
                },
                "timecode": {
                    "type": "object",
                    "required": ["source"],
                    "properties": {
                        "source": { "type": "string" }, "label": text, "trouble": text,
                        "state": { "enum": ["waiting", "following", "flywheel", "mismatch", null] }
                    }
                },
                "feeds": { "type": "object", "additionalProperties": {
                    "type": "object",
                    "properties": { "silent_ns": number, "capture_age_ns": number, "delay_ns": { "type": "integer" } }
                } },
                "pacer": text
            }
        },
        "Events": {
            "type": "object",
            "required": ["events", "newest", "oldest", "dropped"],
            "properties": {
                "events": { "type": "array", "items": { "$ref": "#/components/schemas/Event" } },
                "newest": { "type": "integer" }, "oldest": { "type": "integer" }, "dropped": { "type": "integer" }
            }
        },
        "Event": {
            "type": "object",
            "description": "The kind's own fields stand beside it.",
            "required": ["seq", "at_ns", "frame", "severity", "kind", "subject", "message"],
            "properties": {
                "seq": { "type": "integer" }, "at_ns": { "type": "integer" }, "frame": { "type": "integer" },
                "timecode": { "type": "string" }, "severity": { "enum": ["info", "warning", "error", "critical"] },
                "kind": { "type": "string" }, "subject": { "type": "string" }, "message": { "type": "string" }
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
    });
    if let (Some(schemas), Value::Object(more)) = (schemas.as_object_mut(), more) {
        schemas.extend(more);
    }
    schemas
}

fn command_schemas() -> Value {
    let text = json!({ "type": ["string", "null"] });
    let names = json!({ "type": "array", "items": { "type": "string" } });
    let switch = json!({ "type": "boolean" });
    json!({
        "Command": {
            "type": "object",
            "required": ["command"],
            "properties": {
                "command": { "enum": ["freeze", "blackout", "pattern", "outline", "rolling", "slate", "cue", "light_card", "event"] },
                "on": { "type": "boolean", "description": "freeze, blackout, outline, rolling, light_card" },
                "name": { "type": ["string", "null"], "description": "pattern (null ends it), cue, light_card, event" },
                "text": { "type": "string", "description": "slate" },
                "at_frame": { "type": ["integer", "null"], "minimum": 0, "description": "The next frame without" }
            }
        },
        "CommandAnswer": {
            "type": "object",
            "required": ["state", "frame"],
            "properties": {
                "state": { "enum": ["done", "scheduled"] },
                "frame": { "type": "integer", "description": "On which it happened, or will happen" },
                "late": { "type": "integer", "description": "Frames after the one that was named: ticks were missed" }
            }
        },
        "WallState": {
            "type": "object",
            "required": ["wall", "takes_commands", "looks", "patterns", "light_cards"],
            "properties": {
                "wall": { "type": "object", "properties": {
                    "freeze": switch, "blackout": switch, "outline": switch, "rolling": switch,
                    "pattern": text, "slate": text, "look": text
                } },
                "takes_commands": switch, "next_frame": { "type": ["integer", "null"] },
                "looks": names, "patterns": names, "light_cards": names
            }
        }
    })
}
