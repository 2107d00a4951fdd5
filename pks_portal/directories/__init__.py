"""Company directories as the platform's administrators see them: settings, groups, and the sync as a task."""
