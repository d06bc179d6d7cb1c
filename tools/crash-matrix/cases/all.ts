import type { Case } from '../case.ts';
import { CLOCK_JUMPS } from './clock-jumps.ts';
import { DATABASE_AWAY } from './database-away.ts';
import { FABRIC_CALLS } from './fabric-calls.ts';
import { FULL_DISKS } from './full-disk.ts';
import { GOVERNOR } from './governor.ts';
import { POSTGRES_KILLS } from './postgres-kills.ts';
import { POWER_FAILURES } from './power-failures.ts';
import { RANDOM_KILLS } from './random-kills.ts';
import { SEVERAL_FABRICS } from './several-fabrics.ts';
import { STOPPED_AT_START } from './stops.ts';
import { UPSTREAM_KILLS } from './upstream-kills.ts';

export const CASES: readonly Case[] = [
  ...FABRIC_CALLS,
  STOPPED_AT_START,
  RANDOM_KILLS,
  ...POSTGRES_KILLS,
  ...DATABASE_AWAY,
  ...FULL_DISKS,
  POWER_FAILURES,
  CLOCK_JUMPS,
  ...SEVERAL_FABRICS,
  ...UPSTREAM_KILLS,
  ...GOVERNOR,
];
