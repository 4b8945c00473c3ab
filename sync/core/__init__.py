"""The pure core: decides, never acts. Imports the standard library and itself only."""
