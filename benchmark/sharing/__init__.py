"""Results that leave this machine: bundles that others can check, and a site with a feed of its changes."""
