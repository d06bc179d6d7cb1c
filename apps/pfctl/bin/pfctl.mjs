#!/usr/bin/env node
import { existsSync } from 'node:fs';

const built = new URL('../dist/main.mjs', import.meta.url);
if (existsSync(built)) await import(built.href);
else {
  console.error('pfctl: expected the built program in apps/pfctl/dist; run npm ci first');
  process.exitCode = 4;
}
