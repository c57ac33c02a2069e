export { holdLease, type LeaseWrites, releaseLeases } from './lease.ts';
