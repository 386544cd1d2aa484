/* The limit: a loop that sends every datagram back as an answer and does nothing else. `echo PORT`. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define SLOT 2048

static unsigned char data[BATCH][SLOT];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

int main(int count, char **words)
{
    struct sockaddr_in here;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);

    memset(&here, 0, sizeof here);
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.sin_port = htons((unsigned short)atoi(count > 1 ? words[1] : "0"));
    if (sock < 0 || bind(sock, (struct sockaddr *)&here, sizeof here) != 0) {
        perror("echo");
        return 1;
    }
    for (;;) {
        int i, received, sent = 0;

        for (i = 0; i < BATCH; i++) {
            vectors[i].iov_base = data[i];
            vectors[i].iov_len = SLOT;
            messages[i].msg_hdr.msg_name = &peers[i];
            messages[i].msg_hdr.msg_namelen = sizeof peers[i];
            messages[i].msg_hdr.msg_iov = &vectors[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        received = recvmmsg(sock, messages, BATCH, MSG_WAITFORONE, NULL);
        for (i = 0; i < received; i++) {
            vectors[i].iov_len = messages[i].msg_len;
            data[i][2] |= 0x80;
        }
        while (sent < received) {
            int now = sendmmsg(sock, messages + sent, (unsigned)(received - sent), 0);

            sent += now > 0 ? now : 1;
        }
    }
}
