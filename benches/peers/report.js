// What every peer in JavaScript prints last: how many of what, the CPU seconds without the start, the peak in KiB.
const start = process.cpuUsage();
module.exports = (count, what) => {
  const used = process.cpuUsage(start);
  console.log(count, what, ((used.user + used.system) / 1e6).toFixed(3), process.resourceUsage().maxRSS);
};
