export { holdLease, type LeaseName, type LeaseWrites, releaseLeases } from './lease.ts';
