"""The smallest Django that can hand out a code: one settings module, two views, no middleware. The portal's HTTP is compared with it."""
