+ Conductor 0.1 .
