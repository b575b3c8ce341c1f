"""The pattern whose one step breaks as its input says."""

PATTERN = {
    "id": "canary",
    "version": "1.0.0",
    "title": "Breaks",
    "description": "Breaks as it is told.",
    "inputs": {
        "how": {"type": "string", "required": True, "description": "How."},
        "note": {"type": "string", "required": True, "description": "What it says."},
    },
    "steps": [
        {"capability": "canary.breaks", "args": {"how": "{{inputs.how}}", "note": "{{inputs.note}}"}, "as": "answer"}
    ],
    "outputs": ["answer"],
    "panels": [],
}
