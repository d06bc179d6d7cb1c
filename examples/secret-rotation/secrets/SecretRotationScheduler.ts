// Where the deployment runbook looks for them.
export { createRotationScheduler, RotationPolicies } from '@provability-fabric/secrets';
