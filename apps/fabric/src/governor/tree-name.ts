/**
 * What governors of one tree call it in the database and in Redis. The record is the tenant's alone, so a tenant has one tree: two
 * would settle each other's changes and take each other's policies for a rollback.
 */
export const TREE = 'default';
