#!/usr/bin/env node
import { existsSync } from 'node:fs';

const built = new URL('../dist/main.mjs', import.meta.url);
if (existsSync(built)) await import(built.href);
else {
  console.error('safeai: expected the built program in apps/safeai/dist; run npm ci first');
  process.exitCode = 1;
}
