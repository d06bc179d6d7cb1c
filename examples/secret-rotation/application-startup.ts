import { place, provider } from './secrets/provider';

// In application startup code
import { createRotationScheduler, RotationPolicies } from './secrets/SecretRotationScheduler';

const scheduler = createRotationScheduler(provider);
scheduler.start();

// Schedule for each tenant
scheduler.scheduleRotation({
  tenantId: 'acme-corp',
  secretKey: 'database_credentials',
  policy: RotationPolicies.DATABASE_CREDENTIALS,
  cronSchedule: '0 2 */90 * *', // Every 90 days at 2 AM
});

// What the runbook leaves out: to hear of it, not to wait 90 days, and to stop.
scheduler.on('schedule-warning', ({ warning }) => console.log(`warning: ${warning}`));
scheduler.on('job-scheduled', ({ nextAt }) => console.log(`next: ${new Date(nextAt ?? 0).toISOString()}`));
scheduler.on('grace-period-started', ({ version }) =>
  console.log(`version ${version} is current, the old one valid still`),
);

await new Promise((scheduled) => scheduler.on('job-scheduled', scheduled));
const { phase } = await scheduler.rotateNow('acme-corp', 'database_credentials');
const { value } = await provider.read(place);
console.log(
  `${phase}: the password ${value.password === 'to be changed' ? 'is the old one' : 'has changed'}`,
);
await scheduler.stop();
