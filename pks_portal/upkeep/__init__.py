"""What keeps a portal's data safe for years: the key ring's rotation, backup, restore."""
