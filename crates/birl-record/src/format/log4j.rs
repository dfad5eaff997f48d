//! What log4j, logback and their kin write for Java programs, as they are set up by default or by
//! those who ship them.

use super::layout::Part::*;
use super::layout::{Layout, Part, Style, whole};
use super::{Known, Lines, Sample, field};
use crate::level::Severity;
use crate::record::Record;
use crate::value::{Text, Value};

pub(super) const KNOWN: Known = Known {
    name: "log4j",
    about: "log4j and logback: Spring Boot, Hadoop, Spark, ZooKeeper, Kafka, Elasticsearch, Tomcat",
    samples: &[
        // Spring Boot
        Sample {
            text: "2026-03-14T14:05:30.250+01:00  WARN 7 --- [shop] [nio-8080-exec-1] c.e.shop.CartService      : slow: 3 s",
            record: r#"{"timestamp":"2026-03-14T13:05:30.25Z","level":"warn","message":"slow: 3 s","pid":7,"application":"shop","thread":"nio-8080-exec-1","logger":"c.e.shop.CartService"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30.250  INFO 7 --- [           main] o.a.c.c.C.[Tomcat].[localhost].[/]       : up",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"up","pid":7,"thread":"main","logger":"o.a.c.c.C.[Tomcat].[localhost].[/]"}"#,
        },
        // logback
        Sample {
            text: "14:05:30.250 [pool-1-thread-2] ERROR com.example.Cart - cannot pay\njava.io.IOException: refused\n\tat com.example.Cart.pay(Cart.java:7)",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"cannot pay\njava.io.IOException: refused\n\tat com.example.Cart.pay(Cart.java:7)","thread":"pool-1-thread-2","logger":"com.example.Cart"}"#,
        },
        Sample {
            text: "14:05:30.250 [main] DEBUG com.example.Cart -- [a] taken",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"debug","message":"[a] taken","thread":"main","logger":"com.example.Cart"}"#,
        },
        // Hadoop
        Sample {
            text: "2026-03-14 14:05:30,250 INFO [IPC Server handler 3 on 8020] org.example.hdfs.NameNode: block lost: 7",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"block lost: 7","thread":"IPC Server handler 3 on 8020","logger":"org.example.hdfs.NameNode"}"#,
        },
        Sample {
            text: "2026-03-14 14:05:30,250 WARN  [main] zk.Client (Client.java:run(7)) - retrying",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"retrying","thread":"main","logger":"zk.Client","caller":"Client.java:run(7)"}"#,
        },
        Sample {
            text: "260314 140530 42 INFO dfs.DataNode$Sender: sent block 9",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"info","message":"sent block 9","thread":42,"logger":"dfs.DataNode$Sender"}"#,
        },
        // Spark
        Sample {
            text: "26/03/14 14:05:30 WARN TaskSetManager: Lost task 3.0: gone",
            record: r#"{"timestamp":"2026-03-14T14:05:30Z","level":"warn","message":"Lost task 3.0: gone","logger":"TaskSetManager"}"#,
        },
        // ZooKeeper
        Sample {
            text: "2026-03-14 14:05:30,250 [myid:1] - INFO  [Peer[myid=1]/0:0:0:0:0:0:0:0:2181:Election@88] - elected",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"elected","myid":"1","thread":"Peer[myid=1]/0:0:0:0:0:0:0:0:2181","logger":"Election","caller":"Election@88"}"#,
        },
        // Kafka
        Sample {
            text: "[2026-03-14 14:05:30,250] INFO [Broker id=1] Elected (as leader) (kafka.server.Replica)",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"[Broker id=1] Elected (as leader)","logger":"kafka.server.Replica"}"#,
        },
        // Elasticsearch
        Sample {
            text: "[2026-03-14T14:05:30,250][WARN ][o.e.c.Coordinator        ] [node-1] master lost",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"master lost","logger":"o.e.c.Coordinator","node":"node-1"}"#,
        },
        // Tomcat
        Sample {
            text: "14-Mar-2026 14:05:30.250 SEVERE [main] org.example.catalina.Startup.init Cannot bind: in use",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"error","message":"Cannot bind: in use","thread":"main","logger":"org.example.catalina.Startup.init"}"#,
        },
        // WildFly
        Sample {
            text: "14:05:30,250 INFO  [org.example.as] (MSC service thread 1-2) started",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"started","logger":"org.example.as","thread":"MSC service thread 1-2"}"#,
        },
        // Solr
        Sample {
            text: "2026-03-14 14:05:30.250 INFO  (qtp7-12) [c:books s:shard1] o.e.s.Core committed",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"committed","thread":"qtp7-12","core":"c:books s:shard1","logger":"o.e.s.Core"}"#,
        },
        // Cassandra
        Sample {
            text: "INFO  [CompactionExecutor:3] 2026-03-14 14:05:30,250 Compaction.java:88 - compacted",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"info","message":"compacted","thread":"CompactionExecutor:3","caller":"Compaction.java:88"}"#,
        },
        // ActiveMQ
        Sample {
            text: "2026-03-14 14:05:30,250 | WARN  | full: a | b | org.example.mq.Store | BrokerService[1] Task-2",
            record: r#"{"timestamp":"2026-03-14T14:05:30.25Z","level":"warn","message":"full: a | b","logger":"org.example.mq.Store","thread":"BrokerService[1] Task-2"}"#,
        },
        // log4j's TTCC layout
        Sample {
            text: "250 [main] FATAL com.example.Cart  - gone",
            record: r#"{"level":"fatal","message":"gone","elapsed_ms":250,"thread":"main","logger":"com.example.Cart"}"#,
        },
    ],
    open: |_| STYLE.open_with_words(KNOWN.name),
};

static STYLE: Style = Style {
    lines: Lines::Several,
    severity: Severity::from_word,
    parts: &[],
    layouts: &[
        SPRING_BOOT,
        LOGBACK,
        LOG4J,
        WILDFLY,
        SPARK,
        HDFS,
        ZOOKEEPER,
        ELASTICSEARCH,
        KAFKA,
        TOMCAT,
        SOLR,
        CASSANDRA,
        ACTIVEMQ,
        TTCC,
    ],
};

const THREAD: Part = Within("thread", b'[', b']');

const SPRING_BOOT: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Time,
        Space,
        Level,
        Space,
        Number("pid"),
        Is(" --- "),
        Either(&[
            &[Within("application", b'[', b']'), Space, THREAD],
            &[THREAD],
        ]),
        Space,
        Maybe(&[Within("trace", b'[', b']'), Space]),
        Before("logger", " : "),
        Pad,
        Is(":"),
        Pad,
    ],
    message: whole,
};

const LOGBACK: Layout = Layout {
    shapes: &["iso", "clock"],
    head: &[
        Time,
        Space,
        THREAD,
        Space,
        Level,
        Space,
        Name("logger"),
        Space,
        Is("-"),
        Maybe(&[Is("-")]),
        Space,
    ],
    message: whole,
};

const LOG4J: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Time,
        Space,
        Level,
        Space,
        THREAD,
        Space,
        Either(&[
            &[
                Name("logger"),
                Maybe(&[Space, Within("caller", b'(', b')')]),
                Space,
                Is("-"),
                Space,
            ],
            &[Qualified("logger"), Is(":"), Pad],
        ]),
    ],
    message: whole,
};

const WILDFLY: Layout = Layout {
    shapes: &["iso", "clock"],
    head: &[
        Time,
        Space,
        Level,
        Space,
        Is("["),
        Either(&[&[Qualified("logger")], &[Is("stdout")], &[Is("stderr")]]),
        Is("]"),
        Space,
        Within("thread", b'(', b')'),
        Space,
    ],
    message: whole,
};

const SPARK: Layout = Layout {
    shapes: &["slash-ymd-short"],
    head: &[Time, Space, Level, Space, Name("logger"), Is(":"), Pad],
    message: whole,
};

const HDFS: Layout = Layout {
    shapes: &["basic-short"],
    head: &[
        Time,
        Space,
        Number("thread"),
        Space,
        Level,
        Space,
        Name("logger"),
        Is(":"),
        Pad,
    ],
    message: whole,
};

const ZOOKEEPER: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Time,
        Space,
        Maybe(&[Is("[myid:"), Maybe(&[Token("myid", b"]")]), Is("] ")]),
        Is("- "),
        Level,
        Space,
        THREAD,
        Is(" - "),
    ],
    message: zookeepers,
};

const ELASTICSEARCH: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Is("["),
        Time,
        Is("]["),
        Level,
        Pad,
        Is("]["),
        Before("logger", "]"),
        Is("]"),
        Space,
        Maybe(&[Within("node", b'[', b']'), Pad]),
    ],
    message: whole,
};

const KAFKA: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Is("["),
        Time,
        Is("] "),
        Level,
        Space,
        Ends(" (", &[Qualified(""), Is(")")]),
    ],
    message: kafkas,
};

const TOMCAT: Layout = Layout {
    shapes: &["day-month-year"],
    head: &[
        Time,
        Space,
        Level,
        Space,
        THREAD,
        Space,
        Qualified("logger"),
        Pad,
    ],
    message: whole,
};

const SOLR: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Time,
        Space,
        Level,
        Space,
        Within("thread", b'(', b')'),
        Space,
        Within("core", b'[', b']'),
        Space,
        Qualified("logger"),
        Space,
    ],
    message: whole,
};

const CASSANDRA: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Level,
        Space,
        THREAD,
        Space,
        Time,
        Space,
        Place("caller"),
        Is(" - "),
    ],
    message: whole,
};

const ACTIVEMQ: Layout = Layout {
    shapes: &["iso"],
    head: &[
        Time,
        Is(" | "),
        Level,
        Pad,
        Is("| "),
        Ahead(&[
            Before("", " | "),
            Is(" | "),
            Upto("", &[Qualified(""), Is(" | "), Word("")]),
        ]),
    ],
    message: activemqs,
};

const TTCC: Layout = Layout {
    shapes: &[],
    head: &[
        Number("elapsed_ms"),
        Is(" "),
        THREAD,
        Space,
        Level,
        Space,
        Name("logger"),
        Space,
        Either(&[&[Is("- ")], &[Word("context"), Space, Is("- ")]]),
    ],
    message: whole,
};

/// The thread of ZooKeeper has the class and the line behind its last colon.
fn zookeepers<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    whole(text, head, record);
    let Some(field) = record.fields.last_mut() else {
        return;
    };
    let Value::Text(thread) = field.value else {
        return;
    };
    let Some(colon) = memchr::memrchr(b':', thread.raw()) else {
        return;
    };
    let (thread, caller) = thread.raw().split_at(colon);
    let caller = &caller[1..];
    let class = memchr::memchr(b'@', caller).map_or(caller, |at| &caller[..at]);
    field.value = Value::Text(Text::plain(thread));
    field::text(record, "logger", class);
    field::text(record, "caller", caller);
}

/// The logger and the thread stand behind the message, with bars between them.
fn activemqs<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    whole(text, head, record);
    // What follows in other lines goes on behind the thread: it is the message still.
    let first = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let line = text[head..first].trim_ascii_end();
    let mut bars = memchr::memmem::rfind_iter(line, b" | ");
    let (Some(thread), Some(logger)) = (bars.next(), bars.next()) else {
        return;
    };
    field::text(record, "logger", &line[logger + 3..thread]);
    field::text(record, "thread", &line[thread + 3..]);
    if first == text.len() {
        record.message = Some(Text::plain(&line[..logger]));
    }
}

/// The logger stands in brackets behind the message.
fn kafkas<'a>(text: &'a [u8], head: usize, record: &mut Record<'a>) {
    whole(text, head, record);
    // What follows in other lines goes on behind the logger: it is the message still.
    let first = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let line = text[head..first].trim_ascii_end();
    let Some(open) = memchr::memrchr(b'(', line) else {
        return;
    };
    let logger = &line[open + 1..line.len() - 1];
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._$-".contains(byte);
    let is_logger = logger.iter().all(is_part) && logger.contains(&b'.');
    if !is_logger || !line.ends_with(b")") {
        return;
    }
    field::text(record, "logger", logger);
    if first == text.len() {
        record.message = Some(Text::plain(line[..open].trim_ascii_end()));
    }
}
