"""The portal on one machine: directory, Redis, web, worker and beat under one supervisor. Plain Python, no Django."""
