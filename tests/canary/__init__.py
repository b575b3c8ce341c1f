"""What must not leave, planted at every door, and looked for in everything that leaves."""
