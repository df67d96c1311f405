"""The runtime's own hardening stages, under the names of lesson 10's exercise."""

from minidocker.stages.capabilities import Capabilities
from minidocker.stages.masks import Masks
from minidocker.stages.no_new_privs import NoNewPrivs

drop_capabilities = Capabilities.drop_capabilities
mask_paths = Masks.mask_paths
no_new_privileges = NoNewPrivs.no_new_privileges
