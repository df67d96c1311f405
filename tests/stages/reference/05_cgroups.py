"""The runtime's own cgroup stage, under the names of lesson 05's exercise."""

from minidocker.stages.cgroup import Cgroup

limits = Cgroup.limits
make_cgroup = Cgroup.make_cgroup
remove = Cgroup.remove
