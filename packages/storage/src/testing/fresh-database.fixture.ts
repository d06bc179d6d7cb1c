import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDatabase } from '../database/database.ts';
import type { TestServer } from '../reader/ledger-database.fixture.ts';

let made = 0;
const prepared = new WeakSet<TestServer>();

/** Runs SQL as the superuser, who exists for tests and operators only. */
export async function asSuperuser<Row>(
  { directory, postgres }: TestServer,
  text: string,
  database = 'postgres',
): Promise<readonly Row[]> {
  const password = (await readFile(join(directory, 'superuser-password'), 'utf8')).trim();
  const client = new Client({ ...place(postgres.url), user: 'postgres', password, database });
  await client.connect();
  try {
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** The URL of a database of its own: empty, or with the schema and an empty ledger. */
export async function freshDatabase(
  server: TestServer,
  content: 'empty' | 'schema' = 'empty',
): Promise<string> {
  const name = `test_${++made}`;
  const template = content === 'empty' ? '' : 'template with_schema';
  if (content === 'schema' && !prepared.has(server)) {
    await asSuperuser(server, 'create database with_schema owner fabric');
    const url = server.postgres.url.replace('/fabric?', '/with_schema?');
    await (await openDatabase({ url })).close();
    prepared.add(server);
  }
  await asSuperuser(server, `create database ${name} ${template} owner fabric`);
  return server.postgres.url.replace('/fabric?', `/${name}?`);
}

/** As whoever else has a login. */
export async function connectAs(url: string, user: string, password: string): Promise<Client> {
  const client = new Client({ ...place(url), user, password, database: databaseOf(url) });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

export function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function place(url: string): { host: string } {
  return { host: new URL(url).searchParams.get('host') ?? '' };
}
