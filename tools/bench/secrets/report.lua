-- What the bench reads of a run: microseconds, and errors of every kind.
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("requests %d\nmicroseconds %d\nerrors %d\n", summary.requests, summary.duration, failed))
  io.write(string.format("p50 %d\np95 %d\n", latency:percentile(50), latency:percentile(95)))
end
