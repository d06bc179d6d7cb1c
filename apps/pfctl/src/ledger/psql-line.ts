/** A command line for psql as another login on the same database; psql asks for the password. */
export function psqlLine(url: string, login: string): string {
  const { hostname, port, pathname, searchParams, username } = new URL(url);
  const option = (name: string) => searchParams.get(name);
  const database = decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username);
  const parts: readonly (readonly [string, string | null])[] = [
    ['host', option('host') ?? hostname.replace(/^\[(.*)\]$/, '$1')],
    ['port', option('port') ?? port],
    ['dbname', database],
    ['user', login],
    ['sslmode', option('sslmode')],
    ['sslrootcert', option('sslrootcert')],
  ];
  const text = parts
    .filter((part): part is readonly [string, string] => part[1] !== null && part[1] !== '')
    .map(([name, value]) => `${name}=${conninfoValue(value)}`)
    .join(' ');
  return `psql ${shellWord(text)}`;
}

function conninfoValue(value: string): string {
  return /^[\w./:@%+-]+$/.test(value) ? value : `'${value.replace(/[\\']/g, '\\$&')}'`;
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
