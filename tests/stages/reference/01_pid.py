"""The runtime's own pid stage, under the names of lesson 01's exercise."""

from minidocker.stages.pid import Pid

spawn = Pid.spawn
init = Pid.init
