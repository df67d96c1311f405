"""The runtime's own layers and etc stages, under the names of lesson 04."""

from minidocker.stages.etc import Etc
from minidocker.stages.layers import Layers

overlay_options = Layers.overlay_options
place_etc_files = Etc.place_etc_files
