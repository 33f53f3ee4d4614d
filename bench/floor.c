/*
 * The floor: the kernel work of an attach and of a detach, with as little around it as C allows. One process, no log, no
 * checks, no allocation. `bench/attach.ts` drives it by lines on stdin, so that it takes turns with chronet in one
 * namespace, on the same bridges; each line is answered by one line.
 *
 *   sandbox N             makes N quiet namespaces (IPv6 off, lo up), and mounts them at DIR/floor0 …      -> ok
 *   attach BRIDGE I N     joins sandboxes I … I+N-1 to the bridge, one after the other                     -> nanoseconds of each
 *   detach I N            the sweep bit on each, then one deletion by group                                -> total nanoseconds
 *   quit
 *
 * An attach is what chronet asks of the kernel: one send on the host's socket (a veth pair, born with name, group, MAC and
 * MTU, the peer in its namespace; then alias, master, addr_gen_mode none, up) and one in the sandbox (peer up, address,
 * default route). It answers for 10.99.0.0/16 with the gateway 10.99.0.1. Build: cc -O2 -o floor floor.c; run: floor DIR
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The kernel takes the peer's index from us only if the host's end has one from us too (drivers/net/veth.c). */
enum { SANDBOXES_MAX = 256, LIVING = 0x0f1002, SWEPT = 0x0f1003, MTU = 1450, HOST_INDEX = 1 << 24, PEER_INDEX = 2, PROTOCOL = 97 };

static char out[8192], in[65536];
static char *cursor;
static int host, netns[SANDBOXES_MAX], inside[SANDBOXES_MAX], sandboxes;
static unsigned sequence;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int netlink(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), one = 1;
	if (fd < 0 || bind(fd, (void *)&address, sizeof address))
		die("netlink");
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
	return fd;
}

/* Messages and attributes; a nest's or message's length is set when it ends. */

static struct nlmsghdr *begin(int type, int flags, const void *body, int size)
{
	struct nlmsghdr *header = (void *)cursor;
	*header = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags, .nlmsg_seq = ++sequence};
	memcpy(cursor + NLMSG_HDRLEN, body, size);
	cursor += NLMSG_HDRLEN + NLMSG_ALIGN(size);
	return header;
}

static void end(struct nlmsghdr *header)
{
	header->nlmsg_len = cursor - (char *)header;
}

static struct rtattr *attribute(int type, const void *value, int size)
{
	struct rtattr *attribute = (void *)cursor;
	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attribute), value, size);
	cursor += RTA_SPACE(size);
	return attribute;
}

static struct rtattr *nest(int type)
{
	return attribute(type | NLA_F_NESTED, 0, 0);
}

static void close_nest(struct rtattr *nest)
{
	nest->rta_len = cursor - (char *)nest;
}

static void u32(int type, unsigned value)
{
	attribute(type, &value, sizeof value);
}

static void text(int type, const char *value)
{
	attribute(type, value, strlen(value) + 1);
}

/* Sends what was written since `cursor = out`, and takes one acknowledgement per message. */
static void transact(int fd, int messages, const char *what)
{
	if (send(fd, out, cursor - out, 0) < 0)
		die(what);
	while (messages > 0) {
		int size = recv(fd, in, sizeof in, 0);
		if (size < 0)
			die(what);
		for (struct nlmsghdr *header = (void *)in; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
			if (header->nlmsg_type != NLMSG_ERROR)
				continue;
			errno = -((struct nlmsgerr *)NLMSG_DATA(header))->error;
			if (errno)
				die(what);
			messages--;
		}
	}
}

static void write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return; /* a kernel without IPv6 is quiet by itself */
	if (*value && write(fd, value, strlen(value)) < 0)
		die(path);
	close(fd);
}

static void make_sandbox(const char *directory, int home)
{
	char path[256];
	struct ifinfomsg up = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	snprintf(path, sizeof path, "%s/floor%d", directory, sandboxes);
	write_file(path, "");
	if (unshare(CLONE_NEWNET))
		die("unshare");
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	write_file("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1");
	netns[sandboxes] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	inside[sandboxes] = netlink();
	if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL))
		die("mount");
	cursor = out;
	end(begin(RTM_NEWLINK, 0, &up, sizeof up));
	transact(inside[sandboxes], 1, "lo up");
	if (setns(home, CLONE_NEWNET))
		die("setns");
	sandboxes++;
}

static void attach_host(int i, unsigned bridge)
{
	char name[IFNAMSIZ], alias[64];
	struct ifinfomsg link = {.ifi_index = HOST_INDEX + i}, peer = {.ifi_index = PEER_INDEX};
	struct ifinfomsg up = {.ifi_index = HOST_INDEX + i, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	unsigned char mac[6] = {2, 0xf1, 0, 0, i >> 8, i}, peer_mac[6] = {2, 0xf2, 0, 0, i >> 8, i};
	unsigned char quiet = IN6_ADDR_GEN_MODE_NONE;
	snprintf(name, sizeof name, "floor%d", i);
	cursor = out;
	struct nlmsghdr *create = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
	text(IFLA_IFNAME, name);
	u32(IFLA_GROUP, LIVING);
	attribute(IFLA_ADDRESS, mac, 6);
	u32(IFLA_MTU, MTU);
	struct rtattr *info = nest(IFLA_LINKINFO);
	text(IFLA_INFO_KIND, "veth");
	struct rtattr *data = nest(IFLA_INFO_DATA), *other = nest(VETH_INFO_PEER);
	memcpy(cursor, &peer, sizeof peer);
	cursor += sizeof peer;
	text(IFLA_IFNAME, "eth0");
	attribute(IFLA_ADDRESS, peer_mac, 6);
	u32(IFLA_GROUP, LIVING);
	u32(IFLA_MTU, MTU);
	u32(IFLA_NET_NS_FD, netns[i]);
	close_nest(other);
	close_nest(data);
	close_nest(info);
	end(create);
	struct nlmsghdr *change = begin(RTM_NEWLINK, 0, &up, sizeof up);
	snprintf(alias, sizeof alias, "floor:0123456789ab:eth0 of sandbox %012d", i);
	attribute(IFLA_IFALIAS, alias, strlen(alias));
	u32(IFLA_MASTER, bridge);
	struct rtattr *families = nest(IFLA_AF_SPEC), *inet6 = nest(AF_INET6);
	attribute(IFLA_INET6_ADDR_GEN_MODE, &quiet, 1);
	close_nest(inet6);
	close_nest(families);
	end(change);
	transact(host, 2, "veth");
}

static void attach_inside(int i)
{
	struct ifinfomsg up = {.ifi_index = PEER_INDEX, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct ifaddrmsg address = {.ifa_family = AF_INET, .ifa_prefixlen = 16, .ifa_index = PEER_INDEX};
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = PROTOCOL, .rtm_type = RTN_UNICAST};
	unsigned own = htonl(0x0a630100 + i), gateway = htonl(0x0a630001);
	cursor = out;
	end(begin(RTM_NEWLINK, 0, &up, sizeof up));
	struct nlmsghdr *add = begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &address, sizeof address);
	u32(IFA_LOCAL, own);
	u32(IFA_ADDRESS, own);
	end(add);
	add = begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
	u32(RTA_GATEWAY, gateway);
	u32(RTA_OIF, PEER_INDEX);
	end(add);
	transact(inside[i], 3, "up, address, route");
}

static void mark_swept(int i)
{
	struct ifinfomsg link = {.ifi_index = HOST_INDEX + i};
	cursor = out;
	struct nlmsghdr *change = begin(RTM_NEWLINK, 0, &link, sizeof link);
	u32(IFLA_GROUP, SWEPT);
	end(change);
	transact(host, 1, "mark");
}

static void delete_swept(void)
{
	struct ifinfomsg link = {0};
	cursor = out;
	struct nlmsghdr *delete = begin(RTM_DELLINK, 0, &link, sizeof link);
	u32(IFLA_GROUP, SWEPT);
	end(delete);
	transact(host, 1, "delete");
}

int main(int count, char **arguments)
{
	char line[256], bridge[IFNAMSIZ];
	int first, number, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (count != 2 || home < 0)
		return 2;
	host = netlink();
	setvbuf(stdout, NULL, _IOLBF, 1 << 16);
	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "sandbox %d", &number) == 1) {
			while (number-- > 0 && sandboxes < SANDBOXES_MAX)
				make_sandbox(arguments[1], home);
			printf("ok\n");
		} else if (sscanf(line, "attach %15s %d %d", bridge, &first, &number) == 3) {
			unsigned master = if_nametoindex(bridge);
			for (int i = first; i < first + number; i++) {
				long long start = nanoseconds();
				attach_host(i, master);
				attach_inside(i);
				printf("%lld ", nanoseconds() - start);
			}
			printf("\n");
		} else if (sscanf(line, "detach %d %d", &first, &number) == 2) {
			long long start = nanoseconds();
			for (int i = first; i < first + number; i++)
				mark_swept(i);
			delete_swept();
			printf("%lld\n", nanoseconds() - start);
		} else
			break;
	}
	return 0;
}
