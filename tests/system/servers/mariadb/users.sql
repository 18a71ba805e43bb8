CREATE USER root@'%' IDENTIFIED BY 'right';
