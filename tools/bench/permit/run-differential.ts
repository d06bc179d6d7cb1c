// Usage: tsx tools/bench/permit/run-differential.ts [requests] [seed]
import { differential } from './differential.ts';

const requests = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? 1);
const CHUNK = 5000;

const total = {
  policySets: 0,
  policies: 0,
  requests: 0,
  allowed: 0,
  withForbids: 0,
  withErrors: 0,
  differences: 0,
};
for (let chunk = 0; total.requests < requests; chunk++) {
  const size = Math.min(CHUNK, requests - total.requests);
  const { differences, ...counts } = await differential({ seed: seed + chunk, requests: size });
  total.policySets += counts.policySets;
  total.policies += counts.policies;
  total.requests += counts.requests;
  total.allowed += counts.allowed;
  total.withForbids += counts.withForbids;
  total.withErrors += counts.withErrors;
  total.differences += differences.length;
  for (const difference of differences.slice(0, 3)) console.log(JSON.stringify(difference));
  console.log(JSON.stringify({ seeds: `${seed}–${seed + chunk}`, ...total }));
}
process.exitCode = total.differences === 0 ? 0 : 1;
