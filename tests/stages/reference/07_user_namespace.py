"""The runtime's own stage user, under the names of lesson 07's exercise."""

from minidocker.stages.user import User

map_lines = User.map_lines
write_maps = User.write_maps
newuidmap_argv = User.newuidmap_argv
become_root = User.become_root
