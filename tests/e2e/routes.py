"""Every route that needs a token, with a body that it accepts."""

from typing import Any

UNKNOWN_ID = 7338214520942592  # of the sample events; the system reaches it in the next century

JOB_ROUTES: dict[str, Any] = {
    "GET /api/jobs/{id}": None,
    "PATCH /api/jobs/{id}": {},
    "GET /api/jobs/{id}/status": None,
    "GET /api/jobs/{id}/logs": None,
    "PUT /api/jobs/{id}/cancel": None,
    "PUT /api/jobs/{id}/submit": None,
    "POST /api/jobs/{id}/retry": None,
    "GET /api/wizard/jobs/{id}/status": None,
    "GET /api/wizard/jobs/{id}/logs": None,
    "GET /api/wizard/jobs/{id}/analysis": None,
}
RELEASE_ROUTES: dict[str, Any] = {
    "GET /api/releases/{id}": None,
    "PATCH /api/releases/{id}": {},
    "GET /api/releases/{id}/jobs": None,
    "GET /api/releases/{id}/files": None,
    "POST /api/releases/{id}/files": {"path": "a.txt", "size": 1},
    "DELETE /api/releases/{id}/files?path=source/a.txt": None,
}
COLLECTION_ROUTES: dict[str, Any] = {
    "GET /api/jobs": None,
    "POST /api/jobs": {"draft": True},
    "GET /api/me": None,
    "POST /api/live/ticket": None,
    "GET /api/releases": None,
    "POST /api/releases": {"release_type": "ebook"},
}
ID_ROUTES = JOB_ROUTES | RELEASE_ROUTES
ROUTES = COLLECTION_ROUTES | ID_ROUTES


def resource(route: str) -> str:
    """Returns the kind of the thing that a route's id names: `job` or `release`."""
    return "release" if route in RELEASE_ROUTES else "job"
