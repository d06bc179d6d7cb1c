import type { Dependant, RotationStore } from '@provability-fabric/secrets';
import { type InTenant, READ_ONLY } from './in-tenant.ts';

type DependantRows = Pick<RotationStore, 'putDependant' | 'removeDependant' | 'dependants'>;

interface StoredDependant extends Omit<Dependant, 'url'> {
  readonly url: string | null;
}

export function dependantRows(inTenant: InTenant): DependantRows {
  return {
    async putDependant({ tenant, name }, dependant) {
      const { serviceId, serviceName, serviceType, environment, url = null } = dependant;
      await inTenant(tenant, (tx) =>
        tx.query(
          `insert into pf.secret_dependants (tenant, name, service_id, service_name, service_type, environment, url)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (tenant, name, service_id) do update
             set service_name = excluded.service_name, service_type = excluded.service_type,
                 environment = excluded.environment, url = excluded.url`,
          [tenant, name, serviceId, serviceName, serviceType, environment, url],
        ),
      );
    },

    async removeDependant({ tenant, name }, serviceId) {
      const text =
        'delete from pf.secret_dependants where tenant = $1 and name = $2 and service_id = $3 returning 1';
      return (await inTenant(tenant, (tx) => tx.query(text, [tenant, name, serviceId]))).length > 0;
    },

    async dependants({ tenant, name }) {
      const rows = await inTenant(
        tenant,
        (tx) =>
          tx.query<StoredDependant>(
            `select service_id as "serviceId", service_name as "serviceName", service_type as "serviceType",
                    environment, url
             from pf.secret_dependants where tenant = $1 and name = $2 order by service_id limit 1000`,
            [tenant, name],
          ),
        READ_ONLY,
      );
      return rows.map(({ url, ...rest }) => (url === null ? rest : { ...rest, url }));
    },
  };
}
